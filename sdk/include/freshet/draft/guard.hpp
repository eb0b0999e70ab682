// C++17 on top of freshet/draft/guard.h: a guard's planned entries in a loop. Header only.
//
//   for (const freshet::Planned& entry : freshet::Guard::of(host)) {
//     if (entry.name() == "current") entry.keep("the current release");
//   }
#ifndef FRESHET_GUARD_HPP
#define FRESHET_GUARD_HPP

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string_view>

#include "freshet/draft/guard.h"
#include "freshet/plugin.hpp"

namespace freshet {

// One entry; lives until the loop goes on.
class Planned {
 public:
  [[nodiscard]] std::string_view directory() const { return view(facts_.directory); }  // below its root; empty: the root itself
  [[nodiscard]] std::string_view name() const { return view(facts_.name); }
  [[nodiscard]] std::string_view task() const { return view(facts_.task); }
  [[nodiscard]] std::string_view reason() const { return view(facts_.reason); }
  [[nodiscard]] const freshet_planned& facts() const { return facts_; }
  [[nodiscard]] std::uint64_t index() const { return index_; }

  // It stays. False where the host did not take it: the reason is no UTF-8 or too long, or the scan was cancelled.
  bool keep(std::string_view reason) const {
    return table_->keep(host_, index_, {reason.data(), reason.size()}) == FRESHET_OK;
  }

 private:
  friend class Guard;
  static std::string_view view(freshet_bytes bytes) { return {bytes.data, bytes.length}; }

  const freshet_host* host_ = nullptr;
  const freshet_guard* table_ = nullptr;
  std::uint64_t index_ = 0;
  freshet_planned facts_{};
};

// All of them, to be walked once. Of a task that is no guard there are none.
class Guard {
 public:
  class Iterator {
   public:
    using iterator_category = std::input_iterator_tag;
    using value_type = Planned;
    using difference_type = std::ptrdiff_t;
    using pointer = const Planned*;
    using reference = const Planned&;

    reference operator*() const { return guard_->at_; }
    pointer operator->() const { return &guard_->at_; }
    Iterator& operator++() {
      if (!guard_->load(guard_->at_.index_ + 1)) guard_ = nullptr;
      return *this;
    }
    void operator++(int) { ++*this; }
    friend bool operator==(const Iterator& a, const Iterator& b) { return a.guard_ == b.guard_; }
    friend bool operator!=(const Iterator& a, const Iterator& b) { return a.guard_ != b.guard_; }

   private:
    friend class Guard;
    explicit Iterator(Guard* guard) : guard_(guard) {}
    Guard* guard_;
  };

  [[nodiscard]] static Guard of(const Host& host) {
    return Guard(host.raw(), host.feature<freshet_guard>(FRESHET_GUARD_ID, FRESHET_GUARD_REVISION));
  }

  [[nodiscard]] Iterator begin() { return Iterator(load(0) ? this : nullptr); }
  [[nodiscard]] Iterator end() { return Iterator(nullptr); }

 private:
  Guard(const freshet_host* host, const freshet_guard* table) {
    at_.host_ = host;
    at_.table_ = table;
  }
  bool load(std::uint64_t index) {
    at_.index_ = index;
    at_.facts_ = {};
    at_.facts_.size = sizeof at_.facts_;
    return at_.table_ != nullptr && at_.table_->planned(at_.host_, index, &at_.facts_) == FRESHET_OK;
  }

  Planned at_;
};

}  // namespace freshet

#endif  // FRESHET_GUARD_HPP
