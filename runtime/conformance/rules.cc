#include "runtime/conformance/rules.h"

#include <algorithm>

namespace freshet::conformance {
namespace {

constexpr Rule kRules[] = {
    // ---- the file, read in a probe ----
    {"file-type", "F2001", "it is a shared object (ELF)", "nothing else can be loaded", "link it with -shared"},
    {"file-machine", "F2002", "it is built for this machine", "code for another processor cannot run", "build it on x86-64, or with a compiler for it"},
    {"file-whole", "F2003", "the file is whole", "a damaged file is never loaded", "copy or build it again"},
    {"file-size", "F2020", "the file and its manifest are within their sizes", "both are held in memory", "strip it; shorten the manifest"},
    {"manifest-there", "F2004", "it has a manifest", "without one nobody knows what it asks for", "write FRESHET_MANIFEST(..) once, at file scope"},
    {"manifest-syntax", "F2005", "the manifest is TOML", "what does not parse is refused", "mend the line that is named"},
    {"manifest-keys", "F2006", "the manifest has the keys it needs, and no other", "operators decide by it", "mend the key that is named; sdk/README.md has all keys"},
    {"abi-range", "F2007", "its ABI is one that this Freshet speaks", "another ABI would be called wrongly", "build it with this SDK, and write its version into `abi`"},
    {"entry-symbol", "F2008", "it exports freshet_plugin_entry", "it is where a plugin begins", "use FRESHET_PLUGIN, or FRESHET_EXPORT on the function"},
    {"exports", "F2009", "it exports nothing else", "other symbols could take the place of the host's", "link with the SDK's version script: freshet_add_plugin does"},
    {"needed-libraries", "F2014", "it needs no library but the C and C++ runtimes", "no other can be opened in a worker", "link the library into it (LINK of freshet_add_plugin)"},
    {"search-path", "F2015", "it has no library search path", "a path of the build machine may be anybody's here", "link without -rpath"},
    {"audit-filter", "F2016", "it asks for no audit or filter library", "they run before anything is checked", "link without --audit, --filter and --auxiliary"},
    {"text-relocations", "F2017", "its code needs no change when it is loaded", "memory that is written and run is forbidden", "compile with -fPIC"},
    {"executable-stack", "F2018", "it asks for no executable stack", "memory that is written and run is forbidden", "link with -z noexecstack; assembler files need .note.GNU-stack"},
    {"writable-code", "F2019", "no segment is writable and executable", "memory that is written and run is forbidden", "link without -N"},
    {"relro", "", "what the loader fills in is read-only afterwards (RELRO)", "a fault in the plugin cannot bend its calls", "link with -z relro"},
    {"bind-now", "", "every symbol is found when it is loaded", "a missing one is seen at once, not in the middle of a scan", "link with -z now"},
    // ---- the manifest ----
    {"plugin-doc", "", "the manifest says what the plugin does", "it is what operators read first", "write a top-level `doc` of a sentence"},
    {"task-docs", "", "each task kind says what it does", "it is shown beside the task", "write a `doc` that says more than the name"},
    {"setting-docs", "", "each setting says what it means", "it is all the help there is when it is set", "write a `doc` that says more than the name"},
    {"setting-ranges", "", "each number and duration has a range", "what makes no sense is refused before the plugin sees it", "write `range = [least, most]`"},
    {"abi-claim", "", "it claims no ABI that nobody can know yet", "a later breaking version would load it and call it wrongly", "end `abi.below` at the next major version"},
    // ---- loading ----
    {"constructors", "", "nothing of it goes wrong before its entry is called", "constructors run in the locked worker like everything else", "do in `configure` what is done in constructors of global objects"},
    {"loads", "F2013", "the loader takes it", "a symbol that is nowhere cannot be called", "link with -z defs, which names the symbol"},
    {"entry-function", "F2010", "its entry and configure functions work", "a plugin that cannot begin cannot scan", "see what it logged; fill every required function of freshet_plugin"},
    {"task-kinds", "F2011", "it offers the task kinds of its manifest, and no other", "operators grant by the manifest", "make `describe` and the manifest the same"},
    {"settings-taken", "F2012", "it takes settings that fit its own manifest", "what the manifest allows has to work", "narrow the schema, or take the value"},
    // ---- a scan of an ordinary tree ----
    {"system-calls", "", "it makes no system call that reading a tree does not need", "the first one ends the worker and blocks the plugin", "use the host's functions; a worker has no network, no programs, no files to write"},
    {"crash", "", "it does not crash", "a crash is a failed task", "run its test under a sanitizer"},
    {"limits", "", "it keeps within its limits", "a worker that takes more is ended", "take less, or ask for more in the manifest's `limits`"},
    {"protocol", "", "it sends the manager nothing itself", "the socket is the host's; a forged message ends the worker", "leave descriptor 3 alone"},
    {"exceptions", "", "no exception leaves it", "unwinding across the border is undefined", "use freshet/plugin.hpp, or catch everything in each function"},
    {"scan-status", "", "the scan of an ordinary tree says OK", "anything else is a failed or an incomplete task", "return FRESHET_OK when everything was seen"},
    {"threads", "", "only the thread of the scan walks and proposes", "the host's walk is not made for several threads", "collect in threads, walk and propose in `scan`"},
    {"call-order", "", "it gives the host's functions what they ask for", "a refused call is an entry that was overlooked", "see plugin.h for the function that is named"},
    {"findings-listed", "", "it proposes entries that were listed to it, as they were", "nothing else can be removed", "hand over the entry as dir_next filled it"},
    {"directories-last", "", "a directory is proposed after everything in it", "else it could never go", "propose directories when you come back from them (Host::walk does)"},
    {"directories-closed", "", "every directory it opens is closed", "descriptors are few", "close each; freshet::Directory does"},
    {"reasons-there", "", "every finding has a reason", "people decide by it", "say in plain words what decided, with the figure"},
    {"reasons-readable", "", "reasons are words that a terminal can show", "control characters move the cursor; bytes are no words", "write printable UTF-8 with at least one letter"},
    {"stable-findings", "", "two scans of one tree propose the same", "what was shown has to be what is removed", "decide by the entry and `now` alone; no random numbers, no addresses, no own clock"},
    {"memory-kept", "", "its task gives its memory back", "what is not freed grows with each task", "free in `destroy` what `configure` and `scan` took"},
    {"threads-kept", "", "its threads end with the scan", "a thread that goes on reads what is gone", "join every thread before `scan` returns"},
    {"descriptors-kept", "", "it leaves no descriptor open", "descriptors are few", "close what you open"},
    {"buffers-kept", "", "it gives the host's buffers back, and leaves them alone afterwards", "the pool lends them again", "buffer_put each once; freshet::Buffer does"},
    {"log-volume", "", "it logs fewer lines than are taken", "what is over 200 lines is dropped, the important ones too", "log what an operator can act on, not each entry"},
    {"speed", "", "it takes no more than 100 µs of CPU an entry", "trees have millions of entries", "do no work for entries that the name or the type already decides"},
    {"cancellation", "", "it ends soon when it is asked to", "an operator waits for it", "ask `cancelled` in every loop, and return FRESHET_CANCELLED (Host::walk does)"},
    {"verify-quiet", "", "verify looks, and proposes nothing", "it runs after the removal", "emit findings in `scan` only"},
    // ---- other trees ----
    {"empty-tree", "", "it takes an empty tree", "caches are empty at first", "count nothing you divide by; return FRESHET_OK"},
    {"unreadable-tree", "", "what it could not read makes its scan incomplete", "absence is no proof: OK would say that everything was seen", "return FRESHET_UNREADABLE, and go on with the rest (freshet/plugin.hpp does)"},
    {"unreadable-kept", "", "it proposes no directory that it could not look into", "nobody knows what is in it", "propose a directory only when its listing came to its end"},
    {"vanishing-tree", "", "it takes entries that go away under it", "caches live", "treat FRESHET_UNREADABLE of one directory as that, no more"},
    {"odd-names", "", "it takes names of any bytes", "names are not always UTF-8", "keep names as bytes; escape them in reasons"},
    {"special-entries", "", "it opens and proposes no mount point", "another file system is none of its business", "look at `flags` before you open or propose"},
    {"odd-times", "", "it takes times of the future and of long ago", "clocks are wrong, archives are old", "subtract nothing that can overflow; a future time is no age"},
    {"deep-tree", "", "it takes a tree of 2,000 levels", "recursion overflows the stack", "use an explicit stack (Host::walk does)"},
    {"huge-tree", "", "it takes a tree of 60,000 entries", "memory for each entry runs out", "keep no state per file"},
    {"racing-tree", "", "it takes a tree that others change meanwhile", "caches live", "trust no count and no name from an earlier look"},
    // ---- settings and permissions ----
    {"setting-bounds", "", "it takes every boundary value of its settings", "what the manifest allows has to work", "narrow the range, or take the value"},
    {"permission-used", "", "it uses each permission it asks for", "operators grant as little as they can", "ask for less; or give a tree that it finds something in: --tree FILE, --root DIR"},
    {"permission-denied", "", "it goes on without an optional permission, and ends in good order without a required one", "optional means that it may be denied", "ask with `feature`, and take NULL for an answer"},
};

}  // namespace

std::span<const Rule> all_rules() { return kRules; }

const Rule* find_rule(std::string_view name) {
  const auto* const found = std::ranges::find(kRules, name, &Rule::name);
  return found == std::end(kRules) ? nullptr : found;
}

const Rule* find_rule_of_code(std::string_view code) {
  const auto* const found = std::ranges::find(kRules, code, &Rule::code);
  return found == std::end(kRules) || code.empty() ? nullptr : found;
}

}  // namespace freshet::conformance
