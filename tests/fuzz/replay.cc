// Feeds files to a fuzz target without libFuzzer: each one whole, then cut at many lengths, then with single bytes
// bent. Deterministic. Fails when it was given no file, so that a lost seed folder does not pass.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

constexpr std::size_t kCuts = 64;
constexpr std::size_t kBends = 192;

// A buffer of exactly the size: AddressSanitizer then sees a read of one byte too many.
void feed(const std::vector<std::uint8_t>& bytes, std::size_t length) {
  const std::vector<std::uint8_t> exact(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(length));
  LLVMFuzzerTestOneInput(exact.data(), exact.size());
}

void replay(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::vector<std::uint8_t> bytes{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  feed(bytes, bytes.size());
  for (std::size_t i = 0; i < std::min(kCuts, bytes.size()); ++i) feed(bytes, bytes.size() * i / kCuts);
  std::uint32_t random = 2463534242;
  for (std::size_t i = 0; i < kBends && !bytes.empty(); ++i) {
    random ^= random << 13;
    random ^= random >> 17;
    random ^= random << 5;
    std::uint8_t& byte = bytes[random % bytes.size()];
    const std::uint8_t before = byte;
    byte = static_cast<std::uint8_t>(byte ^ (1U << (random >> 29)));
    feed(bytes, bytes.size());
    byte = before;
  }
}

}  // namespace

int main(int argc, char** argv) try {
  std::size_t files = 0;
  for (int i = 1; i < argc; ++i) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(argv[i])) {
      if (!entry.is_regular_file()) continue;
      replay(entry.path());
      ++files;
    }
  }
  std::printf("%zu files\n", files);
  return files == 0 ? 1 : 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
