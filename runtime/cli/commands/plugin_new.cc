// `freshet plugins new`: a plugin to begin with.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "runtime/base/bytes.h"
#include "runtime/base/fd.h"
#include "runtime/cli/commands/plugin_actions.h"
#include "runtime/cli/exit_codes.h"
#include "runtime/cli/plugin_template.h"

namespace freshet::cli {
namespace {

constexpr int kMaxQuestions = 5;

// A text from the command line, or from whoever sits at the terminal; the exit code when there is none.
std::expected<std::string, int> get(Session& session, const std::optional<std::string>& given, const std::string& option,
                                    const std::string& question, const std::string& proposal, Status (*check)(std::string_view)) {
  if (given) {
    if (const Status good = check(*given); !good) return std::unexpected(session.tell_usage(good.error().what, good.error().detail));
    return *given;
  }
  if (!session.console().can_ask())
    return std::unexpected(session.tell_usage("`freshet plugins new` needs " + option + ", and here is no terminal to ask on", "for example " + option + (proposal.empty() ? "" : " " + proposal)));
  for (int i = 0; i < kMaxQuestions; ++i) {
    std::optional<std::string> answer = session.console().ask_text(question, proposal, session.stop());
    if (!answer) return std::unexpected(session.interrupted() ? kInterrupted : kFailed);
    const Status good = check(*answer);
    if (good) return *answer;
    session.console().err(good.error().what + ": " + good.error().detail + "\n");
  }
  return std::unexpected(kFailed);
}

// Never over anything: neither a file nor through a link.
Status write_new(int directory, const TemplateFile& file) {
  for (std::size_t slash = 0; (slash = file.path.find('/', slash)) != std::string::npos; ++slash) {
    const std::string folder = file.path.substr(0, slash);
    if (::mkdirat(directory, folder.c_str(), 0777) != 0 && errno != EEXIST) return fail_errno("making " + folder);
  }
  const Fd out(::openat(directory, file.path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666));
  if (!out) return fail_errno("writing " + file.path);
  for (std::string_view rest = file.text; !rest.empty();) {
    const ssize_t done = ::write(out.get(), rest.data(), rest.size());
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) return fail_errno("writing " + file.path);
    rest.remove_prefix(static_cast<std::size_t>(done));
  }
  return {};
}

// A directory that was not there, or that holds nothing.
Result<Fd> make_directory(const std::string& path) {
  if (::mkdir(path.c_str(), 0777) != 0 && errno != EEXIST) return fail_errno("making " + escape_bytes(path));
  Fd out(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!out) return fail_errno("opening " + escape_bytes(path));
  std::error_code error;
  if (!std::filesystem::is_empty(path, error) || error)
    return fail(ErrorKind::invalid, escape_bytes(path) + " is there, and not empty", "nothing is overwritten: name another place with --dir");
  return out;
}

}  // namespace

int new_plugin(Session& session, const Arguments& arguments) {
  PluginWish wish;
  const std::string language = arguments.text("lang").value_or("c++");
  if (language != "c" && language != "c++") return session.tell_usage("--lang " + escape_bytes(language) + " is not known", "it is c or c++");
  wish.language = language == "c" ? PluginLanguage::c : PluginLanguage::cpp;
  wish.ci = arguments.has("ci");
  std::optional<std::string> word;
  if (arguments.words.size() > 1) word = arguments.words[1];
  auto name = get(session, word, "a NAME", "Name of the plugin's task", "old-files", check_plugin_name);
  if (!name) return name.error();
  wish.name = std::move(*name);
  auto id = get(session, arguments.text("id"), "--id", "Id, a reverse domain name of yours", "org.example." + wish.name, check_plugin_id);
  if (!id) return id.error();
  wish.id = std::move(*id);
  auto license = get(session, arguments.text("license"), "--license", "Licence (SPDX)", "MIT", check_plugin_license);
  if (!license) return license.error();
  wish.license = std::move(*license);

  const std::string place = arguments.text("dir").value_or(wish.name);
  const Result<Fd> directory = make_directory(place);
  if (!directory) return session.tell(directory.error());
  const std::vector<TemplateFile> files = make_plugin_template(wish);
  for (const TemplateFile& file : files) {
    if (const Status done = write_new(directory->get(), file); !done) return session.tell(done.error());
  }
  report::Json names = report::Json::array();
  for (const TemplateFile& file : files) names.push_back(file.path);
  session.put({{"object", "new_plugin"}, {"id", wish.id}, {"directory", place}, {"files", names}});
  session.say("The plugin " + wish.id + " is in " + escape_bytes(place) + ". To build and test it:\n  cd " + escape_bytes(place) +
              "\n  cmake -S . -B build && cmake --build build && ctest --test-dir build\n");
  return kDone;
}

}  // namespace freshet::cli
