#pragma once

#include <freshet/plugin.hpp>
#include <string>

namespace parts {

// An entry whose name lives on when its directory's listing goes on.
struct Named {
  explicit Named(const freshet::Entry& listed) : name(listed.file_name()), entry_(listed) {}
  // Valid as long as this object stays where it is.
  [[nodiscard]] const freshet::Entry& entry() {
    entry_.name = freshet::bytes(name);
    return entry_;
  }

  std::string name;

 private:
  freshet::Entry entry_;
};

}  // namespace parts
