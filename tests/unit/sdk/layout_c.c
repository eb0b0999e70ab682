/* What a C compiler makes of the ABI's structs; plugin_h_test.cc compares it with C++. */
#include <freshet/plugin.h>

const size_t freshet_test_c_layout[] = {
    sizeof(freshet_setting), offsetof(freshet_setting, count),
    sizeof(freshet_entry),   offsetof(freshet_entry, flags),
    sizeof(freshet_root),    offsetof(freshet_root, path),
    sizeof(freshet_finding), offsetof(freshet_finding, cost_bytes),
    sizeof(freshet_host),    offsetof(freshet_host, buffer_put),
    sizeof(freshet_plugin),  offsetof(freshet_plugin, feature),
};
