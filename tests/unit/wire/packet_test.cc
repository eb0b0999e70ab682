#include "runtime/wire/packet.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>

namespace freshet::wire {
namespace {

class Packets : public ::testing::Test {
 protected:
  void SetUp() override {
    auto pair = make_socket_pair();
    ASSERT_TRUE(pair.has_value());
    ours_ = std::move(pair->first);
    theirs_ = std::move(pair->second);
  }
  static std::size_t open_fds() {
    std::size_t count = 0;
    for (auto it = std::filesystem::directory_iterator("/proc/self/fd"); it != std::filesystem::directory_iterator(); ++it)
      ++count;
    return count;
  }

  Fd ours_;
  Fd theirs_;
  std::vector<char> buffer_ = std::vector<char>(kMaxPacket);
};

TEST_F(Packets, ArriveWholeAndInOrder) {
  ASSERT_TRUE(send_message(ours_.get(), Canary{1}));
  ASSERT_TRUE(send_message(ours_.get(), Canary{2}));
  for (std::uint32_t i = 1; i <= 2; ++i) {
    auto packet = receive_packet(theirs_.get(), buffer_);
    ASSERT_TRUE(packet.has_value());
    Canary canary;
    ASSERT_TRUE(decode_message(packet->bytes, canary));
    EXPECT_EQ(canary.seen, i);
  }
}

TEST_F(Packets, OfTheLargestSizeArrive) {
  std::vector<std::uint8_t> bytes(kMaxPacket, 7);
  ASSERT_TRUE(send_packet(ours_.get(), bytes));
  auto packet = receive_packet(theirs_.get(), buffer_);
  ASSERT_TRUE(packet.has_value());
  EXPECT_EQ(packet->bytes.size(), kMaxPacket);
  bytes.push_back(7);
  EXPECT_FALSE(send_packet(ours_.get(), bytes));
}

TEST_F(Packets, OverTheCapAreAnErrorOfThePeer) {
  std::vector<char> huge(kMaxPacket + 1, 'x');
  ASSERT_EQ(::send(ours_.get(), huge.data(), huge.size(), 0), static_cast<ssize_t>(huge.size()));
  auto packet = receive_packet(theirs_.get(), buffer_);
  ASSERT_FALSE(packet.has_value());
  EXPECT_EQ(packet.error().kind, ErrorKind::peer);
}

TEST_F(Packets, AClosedPeerIsSeenAfterItsLastPacket) {
  ASSERT_TRUE(send_message(ours_.get(), Canary{1}));
  ours_.reset();
  auto packet = receive_packet(theirs_.get(), buffer_);
  ASSERT_TRUE(packet.has_value());
  EXPECT_FALSE(packet->closed);
  packet = receive_packet(theirs_.get(), buffer_);
  ASSERT_TRUE(packet.has_value());
  EXPECT_TRUE(packet->closed);
  EXPECT_FALSE(send_message(theirs_.get(), Canary{1}));  // and no SIGPIPE
}

TEST_F(Packets, AnEmptyPacketIsAClosedPeer) {
  ASSERT_EQ(::send(ours_.get(), "", 0, 0), 0);
  auto packet = receive_packet(theirs_.get(), buffer_);
  ASSERT_TRUE(packet.has_value());
  EXPECT_TRUE(packet->closed);
}

TEST_F(Packets, NothingThereIsNotAnEnd) {
  auto packet = receive_packet(theirs_.get(), buffer_, false);
  ASSERT_TRUE(packet.has_value());
  EXPECT_TRUE(packet->again);
  EXPECT_FALSE(packet->closed);
}

TEST_F(Packets, DescriptorsComeAlongCloseOnExec) {
  const Fd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const int fds[] = {null.get(), null.get()};
  ASSERT_TRUE(send_message(ours_.get(), Canary{1}, fds));
  auto packet = receive_packet(theirs_.get(), buffer_);
  ASSERT_TRUE(packet.has_value());
  ASSERT_EQ(packet->fds.size(), 2U);
  for (const Fd& fd : packet->fds) EXPECT_NE(::fcntl(fd.get(), F_GETFD) & FD_CLOEXEC, 0);
}

TEST_F(Packets, DescriptorsOfARefusedPacketAreClosed) {
  const Fd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  std::vector<char> huge(kMaxPacket + 1, 'x');
  iovec part{huge.data(), huge.size()};
  // One more than the receiver has room for: the kernel truncates the list.
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * (kMaxFdsInPacket + 1))] = {};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control;
  header.msg_controllen = sizeof control;
  cmsghdr* rights = CMSG_FIRSTHDR(&header);
  rights->cmsg_level = SOL_SOCKET;
  rights->cmsg_type = SCM_RIGHTS;
  rights->cmsg_len = CMSG_LEN(sizeof(int) * (kMaxFdsInPacket + 1));
  for (std::size_t i = 0; i <= kMaxFdsInPacket; ++i) reinterpret_cast<int*>(CMSG_DATA(rights))[i] = null.get();
  ASSERT_GT(::sendmsg(ours_.get(), &header, 0), 0);
  const std::size_t before = open_fds();
  EXPECT_FALSE(receive_packet(theirs_.get(), buffer_).has_value());
  EXPECT_EQ(open_fds(), before);
}

}  // namespace
}  // namespace freshet::wire
