#pragma once

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "runtime/base/mutex.h"
#include "runtime/base/error.h"
#include "runtime/cli/progress_meter.h"
#include "runtime/manager/runs.h"
#include "runtime/report/style.h"

namespace freshet::cli {

// Where 0, 1 or 2 came closed, takes their place: else the next file opened would, and messages would be written into
// the history. Reading and writing there fail as on a closed one. Called before anything is opened.
void occupy_standard_descriptors();

// The three streams of the program. Output is buffered; a reader that went away (EPIPE) is remembered and
// never an error: what the program does is worth more than who looks on. Messages and the progress line share
// stderr and never write into each other. Thread-safe. Does not own the descriptors.
class Console {
 public:
  struct Streams {
    int in = 0, out = 1, err = 2;
  };
  explicit Console(Streams streams);
  ~Console();
  Console(const Console&) = delete;
  Console& operator=(const Console&) = delete;

  // Before the first output.
  void forbid_colour();
  // Only on a terminal; else it stays off.
  void show_progress();

  [[nodiscard]] const report::Style& out_style() const { return out_style_; }
  [[nodiscard]] const report::Style& err_style() const { return err_style_; }
  // Somebody can be asked: stdin and stderr are terminals.
  [[nodiscard]] bool can_ask() const;

  // False once nobody reads any more: a stream may end early.
  bool out(std::string_view text);
  void err(std::string_view text);
  // Draws at most ten times a second, and what begins at once.
  void progress(const Progress& progress);
  void erase_progress();

  // Asks on stderr; true for "y" or "yes". None: `stop` was requested, or stdin ended.
  std::optional<bool> ask(const std::string& question, const std::stop_token& stop);
  // Asks on stderr for a line; an empty one is `proposal`. None: as above.
  std::optional<std::string> ask_text(const std::string& question, const std::string& proposal, const std::stop_token& stop);

  // Writes what is buffered: what people should see before something happens.
  void flush();
  // The same at the end. Error: output was lost for another reason than EPIPE.
  Status finish();

 private:
  // A line from stdin. None: `stop` was requested, or stdin ended.
  std::optional<std::string> read_line(const std::stop_token& stop) const;
  void flush_locked() FRESHET_REQUIRES(mutex_);
  void erase_locked() FRESHET_REQUIRES(mutex_);

  const Streams streams_;
  report::Style out_style_, err_style_;

  Mutex mutex_;  // held only across writes to the streams
  std::string buffer_ FRESHET_GUARDED_BY(mutex_);
  bool closed_ FRESHET_GUARDED_BY(mutex_) = false;
  int lost_errno_ FRESHET_GUARDED_BY(mutex_) = 0;
  bool progress_on_ FRESHET_GUARDED_BY(mutex_) = false;
  bool progress_drawn_ FRESHET_GUARDED_BY(mutex_) = false;
  std::int64_t last_draw_ns_ FRESHET_GUARDED_BY(mutex_) = 0;
  ProgressMeter meter_ FRESHET_GUARDED_BY(mutex_);
};

}  // namespace freshet::cli
