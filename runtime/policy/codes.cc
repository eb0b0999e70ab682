#include "runtime/policy/codes.h"

#include <algorithm>
#include <string>
#include <vector>

#include "runtime/base/suggest.h"

namespace freshet::policy {
namespace {

constexpr CodePage kPages[] = {
    {"F1001", "a permission that the plugin requires is not granted",
     "The plugin's manifest lists a permission as required, and no root that the task may use has it in "
     "`access`. What a "
     "plugin asks for is only a request; what you grant is what it gets, and without this permission it "
     "cannot do its work.",
     "Add the permission to the `access` of a root if you want the plugin to have it (`read` means the "
     "contents of files, "
     "`remove` means moving entries into the quarantine), or set enabled = false for the task."},
    {"F1002", "removal without quarantine is not allowed here",
     "The task has quarantine mode `none`: what it removes is gone at once and cannot be taken back. That "
     "needs your word on "
     "the channel, apart from the mode, so that one key in the wrong place destroys nothing.",
     "Leave `mode` at \"keep\"; or, if you mean it, write irreversible = \"allowed\" on the channel (or "
     "beside the roots of "
     "the task)."},
    {"F1003", "a lock that the plugin requires is not granted",
     "The plugin's manifest names a lock file of another program that has to be held while entries go, and `locks` of the "
     "channel does not have it with that path and kind. Without it the other program could work on the same files at the same time.",
     "Add { path = \"..\", kind = \"..\" } to `locks` of the channel as the message has it, or set enabled = false for the task."},
    {"F1004", "a hook that the task names cannot run",
     "`run-hooks` of the task names a program that is not defined as [hook.NAME], that the channel does not grant in `hooks`, or "
     "the plugin's manifest does not ask for hooks. A hook is never left out in silence: what it does may be what makes the "
     "removal safe.",
     "Define the hook, add its name to `hooks` of the channel, or take it out of `run-hooks`."},
    {"F1005", "the program of a hook cannot be run",
     "The path in `run` of the hook leads to nothing, to no regular file, or to one that this user may not execute.",
     "Correct the path: it is absolute, and no shell looks for it."},
    {"F1006", "removing IPC objects is not allowed here",
     "What is removed of shared memory, semaphores and message queues is gone: no quarantine holds it. That needs your word on the "
     "channel, apart from the grant, so that one key in the wrong place destroys nothing.",
     "Write irreversible = \"allowed\" on the channel if it is meant, or take `ipc` out."},
    {"F1007", "the owner of IPC objects is unknown",
     "`ipc` of the channel names a user that this machine does not have. Whose objects would be removed is not guessed.",
     "Correct the name, or write the user's number."},
    {"F1010", "this root is never cleaned",
     "The root is `/`, /proc, /sys or /dev, or lies below one of the last three. No cleaning of these makes "
     "sense, and none "
     "could be taken back.",
     "Name the directory of ordinary files that you mean."},
    {"F1011", "this root is protected",
     "The root is a directory that the system or a person needs as a whole (/etc, /usr, /home, /var/lib, .., "
     "a home "
     "directory, the state directory), or one that holds such a directory. A rule that is right for a cache "
     "is wrong there. "
     "Directories below a home are fine.",
     "Name a directory below it. If the root is meant, write i-know-what-this-is = true for it. The state "
     "directory itself, "
     "from which runs are taken back, is never cleaned."},
    {"F1012", "this root does not exist",
     "A root that is missing is more often a misspelt path, or a file system that is not mounted, than a "
     "reason to do "
     "nothing.",
     "Correct the path, or mount the file system. If it is right that the directory is not always there, "
     "write "
     "optional = true for the root."},
    {"F1013", "this root is no directory, or is reached through a symbolic link",
     "Whoever can change a link on the way to a root decides what is cleaned. Freshet therefore follows "
     "none, not even in the "
     "path that you wrote.",
     "Write the real path: `realpath PATH` shows it."},
    {"F1014", "this exclude is not below its root",
     "An exclude takes something out of the root that it stands with. One that lies elsewhere has no effect, "
     "so that what "
     "you wanted to protect is not protected.",
     "Write the absolute path, beginning with the path of the root."},
    {"F1015", "this root cannot be reached",
     "The way to the root is closed to the user that Freshet runs as, or the file system answers with an "
     "error. What "
     "cannot be looked at is not cleaned.",
     "Run Freshet as a user who may go there, or look into the error of the file system."},
    {"F1016", "no name is free for the quarantine",
     "Every name that the quarantine could have in this root is taken by something that is not Freshet's. "
     "What is not "
     "its own it does not touch.",
     "Look at what is called .freshet, .freshet-2, .. in the root, and move it elsewhere."},
    {"F1017", "the quarantine does not work in this root",
     "A trial made a file and directories in the root's own quarantine and moved them, and that failed. "
     "Removed "
     "entries could not be kept, or not be brought back.",
     "Read the reason that is shown. The root has to be on a file system that can rename, be mounted "
     "writable, and "
     "belong to a user that Freshet runs as; quarantine.at = \"mount-top\" may help where a root lies on a "
     "mount of its "
     "own."},
    {"F1018", "a root is not the directory that was planned",
     "Between the plan and the run another directory, or another file system, came to stand at the root's path. What was "
     "planned may not be what is there now, so nothing is touched.",
     "Look at what is mounted or was renamed there, then make a new plan."},
    {"F1019", "the quarantine cannot be at the top of the mount",
     "`quarantine.at = \"mount-top\"` puts one quarantine at the top of the mount that a root is on. That place has to be "
     "the own of the user that Freshet runs as, and nobody else may be able to rename what is in it; and renames from the "
     "root have to get there, which they do not out of a subvolume.",
     "Leave the key out, or write \"in-root\": the quarantine is then in the root. Or give the top of the mount to the user "
     "that Freshet runs as."},
    {"F1020", "two channels overlap",
     "The root of one channel is, or lies below, the root of another. Each would find, count and remove the "
     "same files under "
     "different rules, and neither budget would mean anything.",
     "Let both tasks work in one channel, or add the inner root to the `exclude` of the outer one."},
    {"F1030", "others can change what root relies on",
     "Freshet runs as root, and a configuration file, a plugin directory, the state directory or a directory on "
     "the way to one belongs to, or can "
     "be written by, somebody else. Whoever that is could make root do what they like.",
     "Give the file and all directories on its way to root, and take the right to write from group and "
     "others: "
     "chown root PATH; chmod go-w PATH."},
    {"F1040", "the task's plugin cannot be used",
     "No file in the plugin directories has this id, or the one that has it was refused for a reason of its "
     "own. The "
     "task is known, but nothing can carry it out.",
     "Run `freshet plugins list`: it shows every file that was found and why one is refused. Correct "
     "`plugin`, install "
     "the plugin, or name its directory with --plugin-dir."},
    {"F1041", "the plugin has no such task kind",
     "A plugin may offer several kinds of task. The key `task` names one that it does not have, or is "
     "missing where "
     "there is more than one to choose from.",
     "Write task = \"..\" with one of the kinds that `freshet plugins inspect` shows."},
    {"F1042", "a guard is not called one, or something else is",
     "A guard removes nothing: it is asked about what the other tasks of its channel are to remove, and may keep it. That "
     "a task is one has to stand in the configuration, so that it is known even when its plugin is missing: nothing of "
     "the channel is removed then.",
     "Write `guard = true` into a task whose kind is a guard, and into no other. `freshet plugins inspect` shows which "
     "kinds are."},
    {"F1043", "two files of one directory are the same plugin",
     "Two different files in one plugin directory have the same id: an old copy beside a new one, or somebody else's file "
     "under a name that is taken. Which of them is meant cannot be known, so neither is used. In two directories the "
     "first one named counts, and `freshet plugins list` shows the other as hidden.",
     "Look at both with `freshet plugins inspect FILE`, and remove the one you do not want from the directory."},
    {"F1050", "strict isolation cannot be had here",
     "The channel asks for strict isolation, and the kernel or the rights of this user do not give a layer "
     "that it "
     "needs. Rather than run a plugin half locked, Freshet does not run it.",
     "`freshet doctor` shows every layer, what is lost without it and how to get it. If the plugin is one "
     "you trust "
     "that far, write isolation = \"best-effort\": the run then says what was missing."},
    {"F1051", "the user ids of workers and brokers belong to somebody",
     "Started by root, workers and brokers run under the 65536 user ids from sandbox.uid-base on. A line of "
     "/etc/subuid or /etc/subgid gives some of these to a user, who could then stop or change those "
     "processes.",
     "Write a uid-base in [sandbox] whose 65536 ids overlap no line of those files."},
    {"F1060", "this plugin is blocked",
     "A worker or broker did what it may not while it ran this plugin, so these very bytes are not loaded "
     "again. What "
     "the run had removed was taken back.",
     "Read the run's record (`freshet history --json`) and find out what it was. "
     "`freshet plugins unblock` lets these bytes run again; another version of the plugin is not blocked."},
    {"F1061", "the plugin has changed since it was approved",
     "freshet.lock beside the configuration says what was approved of this plugin: version, bytes, ABI, permissions and limits "
     "it asks for, task kinds and settings, signer. The installed file differs in what is named, so that nothing of it is run.",
     "Find out where the new file came from. `freshet plugins approve ID` shows every difference and pins what is there; "
     "installing the old file again needs nothing more."},
    {"F1062", "the plugin is not approved",
     "The configuration says lockfile = \"require\" in [policy], and the lock file beside it does not have this plugin.",
     "Look at it with `freshet plugins inspect ID`, then write `freshet plugins approve ID`. Without that key of [policy] a plugin "
     "that is not in the lock file needs no approval."},
    {"F1063", "the lock file cannot be read",
     "freshet.lock beside the configuration says what was approved of each plugin. It cannot be read, or is not as "
     "`freshet plugins approve` writes it, so that no plugin can be compared with it and none is run.",
     "Take the file back from version control, or correct the line that is shown. Where it is beyond repair, remove it and approve "
     "each plugin again."},
    {"F1064", "the plugin's signature is bad",
     "Beside the plugin's file stands a signature (.so.minisig) that cannot be read, or that is not of these bytes. A bad "
     "signature refuses the plugin whatever the policy says: either the file or the signature is not what was published.",
     "Get both files again from where they come from. If you made the file yourself, sign it again with `minisign -S`, or remove "
     "the signature."},
    {"F1065", "the plugin is not signed by a trusted key",
     "The configuration says signatures = \"require\" in [policy], and the plugin has no signature, or one by a key that is not "
     "in trusted-keys.d beside the configuration.",
     "Put the author's minisign public key into trusted-keys.d/NAME.pub if you trust him; or ask him to sign the plugin "
     "(minisign -S makes the .so.minisig beside it)."},
    {"F1066", "the key may not sign this plugin",
     "The signature is by a key of trusted-keys.d that is revoked, outside the dates in its file, or limited there to other "
     "plugin ids.",
     "Ask the author for a plugin that is signed by his present key. If the limits are wrong, correct `valid-from`, `valid-until` "
     "or `plugins` in the key's file; a NAME.revoked there takes a key back for good."},
    {"F1067", "the trust store cannot be read",
     "A file of trusted-keys.d beside the configuration is no minisign public key, or what follows it is not understood. As it may "
     "be the one that takes a key back, no signature counts.",
     "Correct the file and line that is named, or take the file away. NAME.pub and NAME.revoked have the two lines of a minisign "
     "public key, then TOML: valid-from = 2026-01-31, valid-until, plugins = [\"org.example.\"]."},
    {"F1070", "native tasks are not allowed",
     "A program that embeds Freshet registered a task that runs inside it. Such a task is not isolated, and "
     "the policy "
     "of this configuration refuses that.",
     "Write native-tasks = \"allow\" in [policy] if that program is trusted, or leave the task to a plugin."},
    {"F1080", "the clock has gone back",
     "The clock shows a time before the start of the last run. What is old is told by the clock, and a wrong "
     "one makes "
     "new files old or keeps what should go.",
     "Set the clock, then run again. If the last run's time is the wrong one, `freshet history` shows it."},
    {"F1090", "a task that does not exist is named",
     "`after` or `requires` of a task names one that is not configured. An order that cannot be kept is not "
     "guessed.",
     "Correct the name, or remove it from the list."},
    {"F1091", "tasks depend on each other in a circle",
     "Each of the tasks shown is to run after the next, and the last after the first. None of them could "
     "ever begin.",
     "Take one of the edges out of `after` or `requires`; edges of the plugin's own manifest count too."},
    {"F1092", "a required task is disabled",
     "The task `requires` another that has enabled = false. What it needs would never have been done.",
     "Enable the other task, or take it out of `requires`."},
    {"F1093", "the plan and the configuration do not agree any more",
     "A saved plan is applied exactly, under the grant it was made for. Since then a task, its channel, one "
     "of its "
     "roots or its quarantine has been changed in the configuration.",
     "Make a new plan."},
    {"F1094", "the plugin has changed since the plan was made",
     "The plugin's file is not the one that made the plan. Its word was not given for what these bytes would "
     "do.",
     "Make a new plan."},
    {"F1101", "more entries than the budget allows",
     "The plan holds more entries than `budget.entries`. It is refused as a whole, before anything was "
     "touched: a rule "
     "that suddenly takes more than it ever did is often a mistake.",
     "Look at the plan. Raise `budget.entries` if it is right, or write over = \"trim\" to take only as many "
     "as fit."},
    {"F1102", "more bytes than the budget allows",
     "The plan holds more bytes on disk than `budget.bytes`. It is refused as a whole, before anything was "
     "touched.",
     "Look at the plan. Raise `budget.bytes` if it is right, or write over = \"trim\" to take only as many "
     "as fit."},
    {"F1103", "a larger share of a root than the budget allows",
     "The plan takes a larger part of the entries of a root than `budget.share`. A rule that empties a "
     "directory is "
     "often a wrong clock, a wrong path or a forgotten unit.",
     "Look at the plan. Raise `budget.share` (1.0 allows all) if it is right."},
    {"F1104", "the plan alone is larger than the quarantine",
     "`quarantine.max` is less than what this one run would move there. The run could never be kept as long "
     "as `keep` "
     "says.",
     "Raise `quarantine.max`, or let a run take less: lower `budget.bytes` and write over = \"trim\"."},
    {"F1105", "outside the hours in which this channel may act",
     "`floors.hours` of the channel does not contain the present time of the day.",
     "Run it then, or widen `floors.hours`."},
    {"F1106", "no room for what must be written first",
     "Before anything moves, the run's record and the quarantine's table are written, so that a crash loses nothing. "
     "There is no room for them.",
     "Free a little by hand first. Quarantine mode `none` (with irreversible = \"allowed\") needs no room in the root."},
    {"F2001", "not an ELF file",
     "The file is no 64-bit ELF shared object. It was read by a locked probe; nothing of it was run.",
     "Give Freshet the .so that the plugin's build makes, not a script, an archive or a static library."},
    {"F2002", "built for another machine",
     "The file is a shared object of another architecture, word size or byte order than this machine's.",
     "Build or install the plugin for this machine."},
    {"F2003", "the file is truncated",
     "Headers of the file point behind its end. Often a download or a copy broke off.",
     "Get the file again and compare its checksum."},
    {"F2004", "no manifest",
     "The file has no section .freshet.manifest, so that Freshet cannot know what it is or what it asks for "
     "without running "
     "it, which it never does.",
     "Add FRESHET_MANIFEST(..) to the plugin, and make sure that the linker keeps it. A library that is no "
     "plugin does not "
     "belong into a plugin directory."},
    {"F2005", "the manifest is no valid TOML",
     "The text in the section .freshet.manifest does not parse or is nested too deeply.",
     "Correct the text at the line and column shown."},
    {"F2006", "a key of the manifest is missing or wrong",
     "The manifest parses, but lacks a key that every plugin needs, has one that does not exist, or has one "
     "with a value of the "
     "wrong type.",
     "Correct the key that is named; `freshet plugins new` makes a manifest that is complete."},
    {"F2007", "the plugin needs another version of the plugin interface",
     "The range `abi = { min, below }` of the manifest does not contain the version that this Freshet "
     "speaks.",
     "Install a version of the plugin for this Freshet, or a Freshet for this plugin."},
    {"F2008", "no entry symbol", "The file does not export the function freshet_plugin_entry.",
     "Define it with FRESHET_EXPORT, and do not hide it in a linker script."},
    {"F2009", "more than one exported symbol",
     "The file exports other symbols beside freshet_plugin_entry. They could take the place of functions of "
     "the host.",
     "Build with -fvisibility=hidden, and link with the version script of the SDK."},
    {"F2010", "the entry function failed",
     "freshet_plugin_entry returned an error, or filled in something that cannot be. The plugin's own words "
     "are in the log.",
     "Look at the log with --log-level debug; ask the plugin's maker."},
    {"F2011", "a task kind that the manifest does not announce",
     "The plugin describes a task kind that its manifest does not list, or lacks one that it lists. What you "
     "were shown "
     "before and what would run are not the same.",
     "The plugin must be corrected: `describe` and the [task.*] tables of the manifest must name the same "
     "kinds."},
    {"F2012", "settings that do not fit",
     "Settings of the task are unknown to the plugin, missing, of the wrong type or out of range.",
     "Correct the settings that are named; `freshet plugins inspect` lists all that a plugin has."},
    {"F2013", "the plugin cannot be loaded",
     "The loader refused the file, or one of its constructors crashed or did not return. That happened in "
     "the locked worker; "
     "nothing else was harmed.",
     "Look at the log with --log-level debug; ask the plugin's maker. A plugin must do nothing before its "
     "entry is called."},
    {"F2014", "needs a library that is not allowed",
     "The file needs a shared library beyond those that a worker has.",
     "Link that library statically, or build the plugin against the libraries that the SDK names."},
    {"F2015", "carries a search path for libraries",
     "The file has an RPATH or RUNPATH, by which other files could be loaded than those that were looked at.",
     "Build without -Wl,-rpath; with CMake, set SKIP_BUILD_RPATH."},
    {"F2016", "is an auditor or a filter of other libraries",
     "The file asks the loader (DT_AUDIT, DT_DEPAUDIT, DT_FILTER, DT_AUXILIARY) to load or to replace "
     "others.",
     "Build it as an ordinary shared object."},
    {"F2017", "text relocations",
     "The loader would have to write into the file's code, which a worker does not permit.",
     "Build with -fPIC."},
    {"F2018", "an executable stack",
     "The file asks for a stack that can be executed, which a worker does not permit.",
     "Build with -Wl,-z,noexecstack; in assembler, add a .note.GNU-stack section."},
    {"F2019", "code that can be written, or in more than one piece",
     "A part of the file is both writable and executable, or more than one part is executable. A worker maps code once, "
     "from the plugin's own file, and never makes it writable.",
     "Build without -Wl,-N and without a linker script that merges code and data or scatters code."},
    {"F2020", "the file or its manifest is too large",
     "The file is larger than what Freshet reads as a plugin, its manifest is longer than 64 KiB, or the "
     "settings that it announces take more than that when they are handed on.",
     "Strip the file (`strip --strip-unneeded`), keep data out of it, and keep the manifest short."},
    {"F3001", "the quarantine's place is taken",
     "What stands where the quarantine of a root belongs is not Freshet's: another owner, another mode than 0700, a link, a "
     "file, a mount, or a directory without Freshet's marker. Nothing in it was touched.",
     "Look at what is named, and move it away if it is not needed."},
    {"F3002", "a request out of order",
     "The broker was sent something that its phase does not permit at that point, and ended without carrying it out.",
     "This is a fault of Freshet or of a program that speaks for it: report it with the log."},
    {"F3003", "a request outside the permission",
     "The broker was asked to touch an excluded place, the quarantine itself, or something that is no path below a root. It "
     "ended without carrying it out.",
     "This is a fault of Freshet or of a program that speaks for it: report it with the log."},
    {"F3004", "the quarantine cannot be used",
     "The quarantine of a root, a run's folder in it or its table could not be made, written or read. The text has the reason; "
     "a full or read-only file system and missing rights are the usual ones. A table is written before the first entry moves.",
     "Remove the reason; with a full disk, `freshet purge` frees what earlier runs hold."},
    {"F3005", "the root changed",
     "Another directory stands where the root was when the run began.",
     "Find out who replaced it; run again once it is what it should be."},
    {"F3006", "renames do not work there",
     "A trial moved entries between two directories of the quarantine and back, and the file system refused. What cannot be "
     "renamed cannot be kept for a rollback.",
     "The text has the reason. Where no rename can work, grant quarantine mode none, which cannot be taken back."},
    {"F3007", "the broker ran out of memory",
     "The broker needs some hundred bytes for each directory that it takes entries from. What was moved until then is in the "
     "quarantine and can be rolled back.",
     "Split the task, or take fewer entries at a time by its budget."},
};

}  // namespace

std::span<const CodePage> code_pages() {
  return kPages;
}

const CodePage* find_code_page(std::string_view code) {
  const auto same = [](char a, char b) { return a == b || (a == 'f' && b == 'F'); };
  for (const CodePage& page : kPages) {
    if (std::equal(code.begin(), code.end(), page.code.begin(), page.code.end(), same)) return &page;
  }
  return nullptr;
}

std::string_view closest_code(std::string_view code) {
  std::vector<std::string_view> codes;
  for (const CodePage& page : kPages) codes.push_back(page.code);
  return closest(code, codes);
}

bool is_configuration_fault(std::string_view code) {
  constexpr std::string_view kFaults[] = {"F1040", "F1041", "F1042", "F1090", "F1091", "F1092", "F2012"};
  return std::ranges::find(kFaults, code) != std::end(kFaults);
}

}  // namespace freshet::policy
