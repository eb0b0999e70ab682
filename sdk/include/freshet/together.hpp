// C++17 on top of freshet/together.h: a whole as a scope. Header only.
//
//   freshet::Together whole(host);
//   directory.propose(entry, finding);   // .. as often as it takes
//   whole.commit();                      // without it all of them are withdrawn
#ifndef FRESHET_TOGETHER_HPP
#define FRESHET_TOGETHER_HPP

#include <stdexcept>
#include <string>

#include "freshet/plugin.hpp"
#include "freshet/together.h"

namespace freshet {

// What is proposed in its lifetime goes all or not at all; one at a time.
class Together {
 public:
  // Throws Cancelled, and std::runtime_error when the host has no such feature or a whole has begun already.
  explicit Together(const Host& host)
      : host_(host.raw()),
        table_(host.feature<freshet_together>(FRESHET_TOGETHER_ID, FRESHET_TOGETHER_REVISION)) {
    if (table_ == nullptr) throw std::runtime_error("this Freshet cannot take findings together (org.freshet.together)");
    const freshet_status status = table_->begin(host_);
    if (status == FRESHET_CANCELLED) throw Cancelled();
    if (status != FRESHET_OK) throw std::runtime_error("a whole was begun within another");
  }
  Together(const Together&) = delete;
  Together& operator=(const Together&) = delete;
  ~Together() {
    if (!ended_) table_->abandon(host_);
  }

  void commit() {
    if (!ended_) table_->commit(host_);
    ended_ = true;
  }

  // All stay when a process holds this entry, which is not proposed by that.
  void needs_free(const Directory& directory, const Entry& entry) {
    if (table_->needs_free(host_, directory.raw(), &entry) != FRESHET_OK)
      throw std::runtime_error("the host refused to look at `" + std::string(entry.file_name()) + "`");
  }

 private:
  const freshet_host* host_;
  const freshet_together* table_;
  bool ended_ = false;
};

}  // namespace freshet

#endif  // FRESHET_TOGETHER_HPP
