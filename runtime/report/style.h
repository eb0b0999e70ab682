#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace freshet::report {

// How a stream shows text. A plain value: renderers are pure functions of their data and a Style.
struct Style {
  bool colour = false;
  bool unicode = false;    // the locale is UTF-8; else bars and names keep to ASCII
  std::size_t width = 80;  // columns; bars and prose keep to it, names are never cut

  // Of a descriptor: colours only on a terminal, without NO_COLOR and TERM=dumb; its columns, or 80.
  static Style of(int fd, bool colour_allowed);
};

enum class Paint { plain, strong, dim, good, warning, bad, accent };

std::string paint(const Style& style, Paint how, std::string_view text);

// A name for this stream: escape_bytes, and only ASCII where the locale is not UTF-8.
std::string show(const Style& style, std::string_view bytes);
// The same for prose, in which names may have been escaped before: a backslash stays one.
std::string show_words(const Style& style, std::string_view text);

// Columns that well-formed UTF-8 takes on a terminal (wide characters two, combining ones none).
std::size_t columns_of(std::string_view text);

// `part` of `whole` as a bar of `cells` columns at most, without padding; never empty unless `part` is 0.
std::string bar(const Style& style, std::uint64_t part, std::uint64_t whole, std::size_t cells);

// Words of `text` in lines of `style.width` columns: the first begins after `indent` columns, which the
// caller has written; the others are indented with as many spaces. Ends without a newline.
std::string wrap(const Style& style, std::string_view text, std::size_t indent);

// "1 entry", "12,345 entries".
std::string entries_text(std::uint64_t count);

}  // namespace freshet::report
