#include "runtime/base/bytes.h"
#include "runtime/cli/command.h"
#include "runtime/cli/exit_codes.h"
#include "runtime/cli/session.h"
#include "runtime/policy/codes.h"

namespace freshet::cli {
namespace {

std::string page_text(const policy::CodePage& page, const report::Style& style) {
  std::string out =
      report::paint(style, report::Paint::strong, page.code) + "  " + std::string(page.title) + "\n\n";
  out += "  " + report::wrap(style, page.meaning, 2) + "\n\n";
  return out + "  " + report::wrap(style, "What to do: " + std::string(page.remedy), 2) + "\n";
}

report::Json page_json(const policy::CodePage& page) {
  return {{"object", "explanation"},
          {"code", page.code},
          {"title", page.title},
          {"meaning", page.meaning},
          {"remedy", page.remedy}};
}

int list_all(Session& session) {
  for (const policy::CodePage& page : policy::code_pages()) {
    session.put(page_json(page));
    session.say(std::string(page.code) + "  " + std::string(page.title) + "\n");
  }
  return kDone;
}

int run(Session& session, const Arguments& arguments) {
  if (arguments.words.empty()) return list_all(session);
  const std::string& code = arguments.words.front();
  const policy::CodePage* page = policy::find_code_page(code);
  if (page == nullptr) {
    const std::string_view near = policy::closest_code(code);
    return session.tell_usage("there is no code `" + escape_bytes(code) + "`",
                              near.empty() ? "`freshet explain` alone lists all codes."
                                           : "did you mean `" + std::string(near) + "`?");
  }
  session.put(page_json(*page));
  session.say(page_text(*page, session.style()));
  return kDone;
}

}  // namespace

const Command kExplain = {
    .name = "explain",
    .usage = "[CODE]",
    .summary = "a page about one violation or refusal",
    .text =
        "Explains a code such as F1011 that `check`, `plan` or `plugins inspect` shows: what was "
        "found, why it matters, and what to do. Without a code it lists all of them.",
    .examples =
        "freshet explain F1011\n"
        "freshet explain",
    .min_words = 0,
    .max_words = 1,
    .add_options = nullptr,
    .run = run,
};

}  // namespace freshet::cli
