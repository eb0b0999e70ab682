#include "runtime/base/suggest.h"

#include <algorithm>
#include <cstddef>
#include <vector>

#include "runtime/base/bytes.h"

namespace freshet {
namespace {

// Longer words are not worth the quadratic time, and nobody misspells them by one letter.
constexpr std::size_t kMaxWord = 64;
constexpr std::size_t kMaxListed = 12;

std::string folded(std::string_view word) {
  std::string out(word);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if (c == '_' || c == ' ') c = '-';
  }
  return out;
}

// Edits by insertion, removal, replacement and exchange of neighbours.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before_last(b.size() + 1);
  std::vector<std::size_t> last(b.size() + 1);
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replace = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, replace});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], before_last[j - 2] + 1);
      }
    }
    std::swap(before_last, last);
    std::swap(last, row);
  }
  return last[b.size()];
}

}  // namespace

std::string_view closest(std::string_view word, std::span<const std::string_view> candidates) {
  if (word.empty() || word.size() > kMaxWord) return {};
  const std::string wanted = folded(word);
  std::string_view best;
  std::size_t best_distance = kMaxWord;
  for (const std::string_view candidate : candidates) {
    if (candidate.size() > kMaxWord) continue;
    const std::size_t length = std::max(word.size(), candidate.size());
    const std::size_t edits = distance(wanted, folded(candidate));
    // A word of which nothing is right is no misspelling.
    if (edits < best_distance && edits <= std::max<std::size_t>(1, length / 3) && edits < length) {
      best = candidate;
      best_distance = edits;
    }
  }
  return best;
}

std::string suggest(std::string_view word, std::span<const std::string_view> candidates, bool list_all) {
  const std::string_view best = closest(word, candidates);
  if (!best.empty()) return "did you mean `" + escape_bytes(best) + "`?";
  if (!list_all || candidates.empty()) return {};
  std::string out = "possible: ";
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    if (i > 0) out += ", ";
    if (i == kMaxListed) return out + "..";
    out += "`" + escape_bytes(candidates[i]) + "`";
  }
  return out;
}

}  // namespace freshet
