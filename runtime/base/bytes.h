#pragma once

#include <string>
#include <string_view>

namespace freshet {

// Names on Linux are bytes. These are the three ways they are shown; none loses a byte.

// For people and for text files: printable UTF-8 stays, every other byte and the backslash become \xNN (\n, \t
// and \\ have their short forms), so a name can neither move the cursor nor forge a line.
std::string escape_bytes(std::string_view bytes);

// The bytes of the character that `text` begins with, where it can change how the rest of a line reads at a terminal: a
// C1 control or a bidirectional override. 0 for any other.
std::size_t harmful_length(std::string_view text);

// The inverse of escape_bytes; false when `text` is not what it could have made. `out` is cleared first.
bool unescape_bytes(std::string_view text, std::string& out);

// True when `bytes` is well-formed UTF-8 (no overlong forms, no surrogates).
bool is_utf8(std::string_view bytes);

// True for the names of quarantine areas, of whatever user: `.freshet`, `.freshet-1000`, `.freshet-1000-2`.
bool is_area_name(std::string_view name);

// True for what may be one name in a directory: 1 to 255 bytes, no NUL, no '/', not "." or "..".
bool is_entry_name(std::string_view bytes);

// Cuts at `limit` bytes on a character boundary and adds "…" when something was cut.
std::string ellipsize(std::string_view text, std::size_t limit);

}  // namespace freshet
