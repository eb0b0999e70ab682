#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/manager/cleanup_manager.h"
#include "runtime/report/style.h"

// Pieces that several reports share; for the sources of this layer only.
namespace freshet::report {

// "  label       text", the text wrapped below itself. `text` is ready to be shown.
std::string labelled(const Style& style, std::string_view label, std::string_view text,
                     Paint how = Paint::plain);

// Foreign texts one after the other.
std::string joined(const std::vector<std::string>& texts, std::string_view between, const Style& style);

// "12 in use, 3 locked", the largest first.
std::string counts_text(const std::map<std::string, std::uint64_t>& counts, const Style& style);

// Up to `most` lines "path: reason", then how many of `total` are not shown.
std::string refusals_part(const std::vector<Refusal>& refusals, std::uint64_t total, std::size_t most,
                          const Style& style);

// A line of a file and the caret below it, as config::excerpt makes them, each line after `indent` columns: cut to the width
// around the caret, which stands below its character also behind wide ones, and painted.
std::string excerpt_part(std::string_view excerpt, std::size_t indent, const Style& style);

// Code, what, remedy and place of each.
std::string violations_part(const std::vector<BoundaryViolation>& violations, const Style& style);

}  // namespace freshet::report
