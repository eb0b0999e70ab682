#include "runtime/conformance/living_tree.h"

#include <stdlib.h>
#include <sys/stat.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

namespace freshet::conformance {
namespace {

constexpr int kDirectories = 10;
constexpr int kFilesInEach = 30;

void change(const std::string& path, const std::atomic<bool>& stop) {
  std::error_code ignored;
  for (int i = 0; !stop; ++i) {
    const std::string directory = path + "/d" + std::to_string(i % kDirectories);
    const std::string moved = path + "/moved" + std::to_string(i % kDirectories);
    std::filesystem::rename(directory, moved, ignored);
    std::ofstream(moved + "/new" + std::to_string(i % 50)) << "x";
    std::filesystem::remove(moved + "/f" + std::to_string(i % kFilesInEach), ignored);
    std::filesystem::rename(moved, directory, ignored);
    if (i % 40 == 39) std::filesystem::remove_all(directory, ignored);
    std::filesystem::create_directory(directory, ignored);
  }
}

}  // namespace

Result<std::unique_ptr<LivingTree>> LivingTree::make(std::string base) {
  if (base.empty()) {
    const char* given = ::getenv("TMPDIR");
    base = given != nullptr && given[0] == '/' ? given : "/tmp";
  }
  std::error_code error;
  std::string path = std::filesystem::canonical(base, error).string() + "/freshet-check.XXXXXX";
  if (error || ::mkdtemp(path.data()) == nullptr) return fail_errno("making a temporary directory in " + base);
  std::unique_ptr<LivingTree> out(new LivingTree(path));
  ::chmod(path.c_str(), 0755);  // the worker may have another uid
  for (int i = 0; i < kDirectories; ++i) {
    const std::string directory = path + "/d" + std::to_string(i);
    std::filesystem::create_directory(directory, error);
    for (int k = 0; k < kFilesInEach; ++k) std::ofstream(directory + "/f" + std::to_string(k)) << "some text\n";
  }
  if (error) return fail(ErrorKind::system, path + ": " + error.message());
  return out;
}

LivingTree::~LivingTree() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

struct LivingTree::Change::State {
  std::atomic<bool> stop{false};
  std::thread thread;
};

LivingTree::Change::Change(const std::string& path) : state_(std::make_unique<State>()) {
  state_->thread = std::thread([path, state = state_.get()] { change(path, state->stop); });
}

LivingTree::Change::~Change() {
  state_->stop = true;
  state_->thread.join();
}

}  // namespace freshet::conformance
