// Reads what an EventWriter sends, on a thread of its own: a scan of any size does not block.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <thread>
#include <vector>

#include "runtime/wire/packet.h"

namespace freshet::worker::testing {

struct HeardDirectory {
  std::string path;  // below its root, cut off at 300 bytes
  std::uint32_t root = 0;
  std::uint64_t entries = 0;
  bool ended = false;
  bool complete = false;
};

class HeardEvents {
 public:
  HeardEvents() {
    auto pair = wire::make_socket_pair();
    if (!pair) std::abort();
    ours_ = std::move(pair->first);
    theirs_ = std::move(pair->second);
    reader_ = std::thread([this] { read(); });
  }
  ~HeardEvents() { stop(); }

  [[nodiscard]] int socket() const { return theirs_.get(); }
  // To the writer, as the manager would.
  template <class M>
  void say(const M& message) {
    ASSERT_TRUE(wire::send_message(ours_.get(), message));
  }
  // After the writer's last flush.
  void stop() {
    theirs_.reset();
    if (reader_.joinable()) reader_.join();
  }

  [[nodiscard]] const HeardDirectory* find(const std::string& path) const {
    for (const auto& directory : directories)
      if (directory.path == path) return &directory;
    return nullptr;
  }

  std::vector<HeardDirectory> directories;
  std::vector<std::string> findings;  // path
  std::vector<std::pair<std::string, int>> unread;
  std::vector<std::string> together;  // the steps of wholes, and what they need
  std::vector<std::string> log;
  std::size_t packets = 0;
  std::string wrong;  // the first thing against the protocol

 private:
  void read() {
    std::vector<char> buffer(wire::kMaxPacket);
    for (;;) {
      auto packet = wire::receive_packet(ours_.get(), buffer);
      if (!packet || packet->closed) return;
      ++packets;
      if (packet->bytes[0] != static_cast<char>(wire::MessageType::events)) {
        wrong = "not an events packet";
        continue;
      }
      wire::Decoder decoder(packet->bytes.substr(1));
      while (decoder.ok() && !decoder.empty()) take(decoder);
      if (!decoder.done()) wrong = "a packet does not decode";
    }
  }

  void take(wire::Decoder& decoder) {
    wire::EventType type{};
    decoder.enumeration(type, wire::kLastEvent);
    if (type == wire::EventType::directory) {
      wire::DirectoryEvent event;
      visit(decoder, event);
      if (event.id != directories.size()) wrong = "ids with gaps";
      std::string path(event.name);
      if (event.parent != wire::kNoDirectory && !directories.at(event.parent).path.empty())
        path = directories.at(event.parent).path + "/" + path;
      directories.push_back({path.size() > 300 ? path.substr(0, 300) : path, event.root, 0, false, false});
    } else if (type == wire::EventType::finding) {
      wire::FindingEvent event;
      visit(decoder, event);
      const HeardDirectory& parent = directories.at(event.directory);
      if (parent.ended) wrong = "a finding in a closed directory";
      findings.push_back((parent.path.empty() ? "" : parent.path + "/") + std::string(event.name));
    } else if (type == wire::EventType::directory_end) {
      wire::DirectoryEndEvent event;
      visit(decoder, event);
      HeardDirectory& directory = directories.at(event.id);
      if (directory.ended) wrong = "a directory ended twice";
      directory.ended = true;
      directory.entries = event.entries;
      directory.complete = event.complete;
    } else if (type == wire::EventType::unread) {
      wire::UnreadEvent event;
      visit(decoder, event);
      std::string path = event.directory == wire::kNoDirectory ? "" : directories.at(event.directory).path;
      if (!event.name.empty()) path += (path.empty() ? "" : "/") + std::string(event.name);
      unread.emplace_back(path, event.error_number);
    } else if (type == wire::EventType::ipc) {
      wire::IpcEvent event;
      visit(decoder, event);
      findings.push_back("ipc " + std::to_string(event.index));
    } else if (type == wire::EventType::keep) {
      wire::KeepEvent event;
      visit(decoder, event);
      findings.push_back("keep " + std::to_string(event.index) + ": " + std::string(event.reason));
    } else if (type == wire::EventType::progress) {
      wire::ProgressEvent event;
      visit(decoder, event);
    } else if (type == wire::EventType::together) {
      wire::TogetherEvent event;
      visit(decoder, event);
      constexpr const char* kSteps[] = {"begin", "commit", "abandon"};
      together.emplace_back(kSteps[static_cast<int>(event.step)]);
    } else if (type == wire::EventType::needed) {
      wire::NeededEvent event;
      visit(decoder, event);
      together.push_back("needs " + std::string(event.name) + " of " + std::to_string(event.inode));
    } else {
      wire::LogEvent event;
      visit(decoder, event);
      log.emplace_back(event.text);
    }
  }

  Fd ours_;
  Fd theirs_;
  std::thread reader_;
};

}  // namespace freshet::worker::testing
