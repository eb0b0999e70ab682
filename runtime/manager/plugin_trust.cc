#include "runtime/manager/plugin_trust.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "runtime/base/bytes.h"
#include "runtime/base/units.h"
#include "runtime/manager/plan_files.h"
#include "runtime/manager/plugin_catalog.h"

namespace freshet {
namespace {

constexpr std::size_t kMaxKeys = 1000;

std::string place_of(const Core& core) {
  if (!core.options.trusted_keys.empty()) return core.options.trusted_keys;
  if (core.config.files.empty()) return {};
  return (std::filesystem::path(core.config.files.front()).parent_path() / policy::kKeysDirectory).string();
}

// The whole of a sealed file, to read.
class Mapping {
 public:
  explicit Mapping(int fd) {
    struct stat info {};
    if (::fstat(fd, &info) != 0 || info.st_size <= 0) return;
    void* start = ::mmap(nullptr, static_cast<std::size_t>(info.st_size), PROT_READ, MAP_PRIVATE, fd, 0);
    if (start != MAP_FAILED) bytes_ = {static_cast<const unsigned char*>(start), static_cast<std::size_t>(info.st_size)};
  }
  ~Mapping() {
    if (!bytes_.empty()) ::munmap(const_cast<unsigned char*>(bytes_.data()), bytes_.size());
  }
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;

  [[nodiscard]] std::span<const unsigned char> bytes() const { return bytes_; }

 private:
  std::span<const unsigned char> bytes_;
};

Error distrust(std::string code, std::string what, std::string detail) {
  return {ErrorKind::refused, std::move(code), std::move(what), std::move(detail)};
}

}  // namespace

PluginTrust::PluginTrust(const Core& core) : core_(core), directory_(place_of(core)) {
  if (directory_.empty()) return;
  std::error_code error;
  std::vector<std::filesystem::path> files;
  for (std::filesystem::directory_iterator at(directory_, error), end; !error && at != end; at.increment(error)) files.push_back(at->path());
  if (error == std::errc::no_such_file_or_directory) return;
  if (error) unreadable_ = Error{ErrorKind::system, "F1067", escape_bytes(directory_) + ": " + error.message(), {}};
  std::ranges::sort(files);
  if (files.size() > kMaxKeys) unreadable_ = Error{ErrorKind::invalid, "F1067", escape_bytes(directory_) + " has over " + format_count(kMaxKeys) + " files", {}};
  if (unreadable_) return;
  for (const std::filesystem::path& file : files) {
    if (file.extension() == ".pub") read(file.string(), file.stem().string(), trusted_);
    if (file.extension() == ".revoked") read(file.string(), file.stem().string(), revoked_);
  }
}

// One that cannot be read may be a revocation: the rest alone may say too much.
void PluginTrust::read(const std::string& file, const std::string& name, std::vector<policy::TrustedKey>& out) {
  const Result<std::string> text = read_whole_file(file, policy::kMaxKeyBytes);
  Result<policy::TrustedKey> key = text ? policy::parse_trusted_key(*text, name, file) : std::unexpected(text.error());
  if (key) {
    out.push_back(std::move(*key));
  } else if (!unreadable_) {
    unreadable_ = Error{key.error().kind, "F1067", key.error().what, key.error().detail};
  }
}

void PluginTrust::judge(Plugin& plugin) const {
  const bool required = core_.config.policy.signatures == config::SignaturePolicy::require;
  const std::string id = plugin.manifest.id;
  const std::string beside = plugin.file + std::string(policy::kSignatureSuffix);
  const Result<std::string> text = read_whole_file(beside, policy::kMaxSignatureBytes);
  if (!text && text.error().kind == ErrorKind::missing) {
    plugin.signature = "none";
    if (required) plugin.distrust = distrust("F1065", "the plugin " + id + " is not signed", "the policy wants " + escape_bytes(beside) + " by a key of " + (directory_.empty() ? "a trust store" : escape_bytes(directory_)));
    return;
  }
  plugin.signature = "bad";
  const Result<policy::Signature> signature = text ? policy::parse_signature(*text) : std::unexpected(text.error());
  if (!signature) {
    plugin.distrust = distrust("F1064", escape_bytes(beside) + ": " + signature.error().what, signature.error().detail);
    return;
  }
  if (unreadable_) {
    plugin.distrust = *unreadable_;
    return;
  }
  const auto has_id = [&](const policy::TrustedKey& key) { return key.id == signature->id; };
  const std::string shown = policy::to_string(signature->id);
  if (std::ranges::any_of(revoked_, has_id)) {
    plugin.distrust = distrust("F1066", "the plugin " + id + " is signed by the key " + shown + ", which is revoked", "ask its author for one that is signed by another key");
    return;
  }
  const auto key = std::ranges::find_if(trusted_, has_id);
  if (key == trusted_.end()) {
    plugin.signature = "unknown key " + shown;
    if (required) plugin.distrust = distrust("F1065", "the plugin " + id + " is signed by the key " + shown + ", which is not trusted", "put its public key into " + escape_bytes(directory_) + " if you trust it");
    return;
  }
  const Mapping file(plugin.memfd.get());
  if (!policy::is_good(*signature, *key, file.bytes())) {
    plugin.distrust = distrust("F1064", escape_bytes(beside) + ": these are not the bytes that " + key->name + " (" + shown + ") signed", "get the file and its signature again");
    return;
  }
  const std::int64_t now = core_.clock.now();
  std::string why;
  if (key->valid_from_ns && now < *key->valid_from_ns) why = "which is valid from " + format_time(*key->valid_from_ns) + " on";
  if (key->valid_until_ns && now >= *key->valid_until_ns) why = "which was valid until " + format_time(*key->valid_until_ns);
  if (!policy::may_sign_for(*key, id)) why = "which may not sign for this id";
  if (!why.empty()) {
    plugin.distrust = distrust("F1066", "the plugin " + id + " is signed by " + key->name + " (" + shown + "), " + why, "see that key's file in " + escape_bytes(directory_));
    return;
  }
  plugin.signature = "good";
  plugin.signer = key->name;
}

}  // namespace freshet
