// The line discipline against termios(3).
#include "kernel/tty/ldisc.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "kernel/abi/signal.h"

namespace lodge {
namespace {

using testing::ElementsAre;

class FakePort final : public LdiscPort {
 public:
  size_t output_room() override { return stopped ? 0 : room - std::min(room, sent.size()); }
  void output(const char* bytes, size_t n) override {
    ASSERT_LE(n, output_room());
    sent.append(bytes, n);
  }
  void discard_output() override { discards++; }
  void input_arrived() override { arrivals++; }
  void signal_foreground(int signo) override { signals.push_back(signo); }
  void stop_output() override { stopped = true; }
  void start_output() override { stopped = false; }
  void input_flushed() override { flushes++; }

  std::string sent;
  size_t room = 1 << 20;
  bool stopped = false;
  int arrivals = 0, discards = 0, flushes = 0;
  std::vector<int> signals;
};

class LdiscTest : public testing::Test {
 protected:
  size_t type(std::string_view s) { return l->receive(s.data(), s.size()); }
  // What typing shows.
  std::string echo_of(std::string_view s) {
    port.sent.clear();
    type(s);
    return port.sent;
  }
  // What writing shows.
  std::string shown(std::string_view s) {
    port.sent.clear();
    EXPECT_EQ(l->write(s.data(), s.size()), s.size());
    return port.sent;
  }
  std::string read(size_t n = 5000) {
    std::string buffer(n, '?');
    LineDiscipline::Piece p = l->read(buffer);
    ended = p.line_ended;
    if (!ended && p.bytes == n) l->skip_eof_mark();
    buffer.resize(p.bytes);
    return buffer;
  }
  template <typename F>
  void change(F f) {
    abi::Termios t = l->termios();
    f(t);
    l->set_termios(t);
  }
  void raw() {
    change([](abi::Termios& t) { t.iflag = t.oflag = t.lflag = 0; });
  }

  FakePort port;
  std::unique_ptr<LineDiscipline> l = std::make_unique<LineDiscipline>(port);
  bool ended = false;
};

TEST_F(LdiscTest, CanonicalInputIsReadableByLines) {
  type("hel");
  EXPECT_FALSE(l->readable());
  EXPECT_EQ(port.arrivals, 0);
  type("lo\nnext");
  EXPECT_TRUE(l->readable());
  EXPECT_EQ(port.arrivals, 1);
  EXPECT_EQ(l->input_bytes(), 6u);
  EXPECT_EQ(read(), "hello\n");
  EXPECT_TRUE(ended);
  EXPECT_FALSE(l->readable());
}

TEST_F(LdiscTest, ALineIsReadInPieces) {
  type("abcdef\n");
  EXPECT_EQ(read(4), "abcd");
  EXPECT_FALSE(ended);
  EXPECT_EQ(read(4), "ef\n");
  EXPECT_TRUE(ended);
}

TEST_F(LdiscTest, CarriageReturnBecomesNewline) {
  EXPECT_EQ(echo_of("ls\r"), "ls\r\n");
  EXPECT_EQ(read(), "ls\n");
  change([](abi::Termios& t) { t.iflag = abi::kIgncr; });
  type("a\rb\n");
  EXPECT_EQ(read(), "ab\n");
  change([](abi::Termios& t) { t.iflag = abi::kInlcr, t.cc[abi::kVeol] = '\r'; });
  type("a\n");
  EXPECT_EQ(read(), "a\r");
}

TEST_F(LdiscTest, EraseTakesACharacterBack) {
  EXPECT_EQ(echo_of("ab\x7f"), "ab\b \b");
  EXPECT_EQ(echo_of("\x7f\x7f\x7f"), "\b \b");  // not beyond the line's start
  type("x\n");
  EXPECT_EQ(read(), "x\n");
}

TEST_F(LdiscTest, EraseOfControlCharactersAndTabs) {
  EXPECT_EQ(echo_of("\x01"), "^A");
  EXPECT_EQ(echo_of("\x7f"), "\b \b\b \b");
  EXPECT_EQ(echo_of("ab\t"), "ab\t");
  EXPECT_EQ(echo_of("\x7f"), "\b\b\b\b\b\b");
  shown("12345");
  echo_of("\x15");
  EXPECT_EQ(echo_of("\t"), "\t");
}

TEST_F(LdiscTest, EraseTakesWholeUtf8Characters) {
  change([](abi::Termios& t) { t.iflag |= abi::kIutf8; });
  EXPECT_EQ(echo_of("a\xc3\xa4\x7f"), "a\xc3\xa4\b \b");
  type("\n");
  EXPECT_EQ(read(), "a\n");
}

TEST_F(LdiscTest, EchoPrtShowsWhatIsErased) {
  change([](abi::Termios& t) { t.lflag |= abi::kEchoprt; });
  EXPECT_EQ(echo_of("ab\x7f\x7f"), "ab\\ba/");
  EXPECT_EQ(echo_of("c\n"), "c\r\n");
}

TEST_F(LdiscTest, EraseWithoutEchoeShowsTheCharacter) {
  change([](abi::Termios& t) { t.lflag &= ~abi::kEchoe, t.cc[abi::kVerase] = '#'; });
  EXPECT_EQ(echo_of("ab#"), "ab#");
  type("\n");
  EXPECT_EQ(read(), "a\n");
}

TEST_F(LdiscTest, WordErase) {
  type("one two  ");
  EXPECT_EQ(echo_of("\x17"), "\b \b\b \b\b \b\b \b\b \b");
  type("\n");
  EXPECT_EQ(read(), "one \n");
}

TEST_F(LdiscTest, KillTakesTheLine) {
  type("abc");
  EXPECT_EQ(echo_of("\x15"), "\b \b\b \b\b \b");
  type("x\n");
  EXPECT_EQ(read(), "x\n");
  change([](abi::Termios& t) { t.lflag &= ~abi::kEchoke; });
  type("abc");
  EXPECT_EQ(echo_of("\x15"), "^U\r\n");
  type("y\n");
  EXPECT_EQ(read(), "y\n");
}

TEST_F(LdiscTest, LiteralNext) {
  EXPECT_EQ(echo_of("\x16\x03"), "^\b^C");
  type("\x16\x04\n");
  EXPECT_EQ(read(), "\x03\x04\n");
  EXPECT_TRUE(port.signals.empty());
}

TEST_F(LdiscTest, Reprint) {
  type("done\nabc");
  EXPECT_EQ(echo_of("\x12"), "^R\r\nabc");
}

TEST_F(LdiscTest, EndOfFile) {
  EXPECT_EQ(echo_of("\x04"), "");
  EXPECT_TRUE(l->readable());
  EXPECT_EQ(read(), "");
  EXPECT_TRUE(ended);
  type(
      "abc\x04"
      "def\n");
  EXPECT_EQ(l->input_bytes(), 7u);
  EXPECT_EQ(read(), "abc");
  EXPECT_EQ(read(), "def\n");
}

TEST_F(LdiscTest, EndOfFileMarkBelongsToAReadThatFillsItsBuffer) {
  type("abc\x04");
  EXPECT_EQ(read(3), "abc");
  EXPECT_FALSE(l->readable());
}

TEST_F(LdiscTest, EolCharactersEndLines) {
  change([](abi::Termios& t) { t.cc[abi::kVeol] = ';', t.cc[abi::kVeol2] = '|'; });
  type("a;b|");
  EXPECT_EQ(read(), "a;");
  EXPECT_EQ(read(), "b|");
}

TEST_F(LdiscTest, SignalsFlushUnlessNoflsh) {
  type("typed");
  EXPECT_EQ(echo_of("\x03"), "^C");
  EXPECT_THAT(port.signals, ElementsAre(abi::kSigInt));
  EXPECT_EQ(port.discards, 1);
  type("\n");
  EXPECT_EQ(read(), "\n");
  change([](abi::Termios& t) { t.lflag |= abi::kNoflsh; });
  type("kept\x1a\x1c\n");
  EXPECT_THAT(port.signals, ElementsAre(abi::kSigInt, abi::kSigTstp, abi::kSigQuit));
  EXPECT_EQ(read(), "kept\n");
}

TEST_F(LdiscTest, WithoutIsigTheCharactersAreInput) {
  change([](abi::Termios& t) { t.lflag &= ~abi::kIsig; });
  type("\x03\n");
  EXPECT_EQ(read(), "\x03\n");
  EXPECT_TRUE(port.signals.empty());
}

TEST_F(LdiscTest, FlowControlStopsOutputAndEcho) {
  type("\x13");
  EXPECT_TRUE(port.stopped);
  EXPECT_EQ(l->write("x", 1), 0u);
  EXPECT_EQ(echo_of("abc"), "");
  type("\x11");
  EXPECT_FALSE(port.stopped);
  l->flush_echo();
  EXPECT_EQ(port.sent, "abc");
  type("\x13");
  type("z");
  EXPECT_TRUE(port.stopped);
  change([](abi::Termios& t) { t.iflag |= abi::kIxany; });
  type("z");
  EXPECT_FALSE(port.stopped);
}

TEST_F(LdiscTest, EchoModes) {
  change([](abi::Termios& t) { t.lflag &= ~abi::kEcho; });
  EXPECT_EQ(echo_of("ab\n"), "");
  change([](abi::Termios& t) { t.lflag |= abi::kEchonl; });
  EXPECT_EQ(echo_of("ab\n"), "\r\n");
  change([](abi::Termios& t) { t.lflag |= abi::kEcho, t.lflag &= ~abi::kEchoctl; });
  EXPECT_EQ(echo_of("\x01"), "\x01");
}

TEST_F(LdiscTest, OutputMapping) {
  EXPECT_EQ(shown("a\nb"), "a\r\nb");
  change([](abi::Termios& t) { t.oflag = abi::kOpost | abi::kOcrnl; });
  EXPECT_EQ(shown("a\rb\n"), "a\nb\n");
  change([](abi::Termios& t) { t.oflag = abi::kOpost | abi::kOnocr | abi::kOnlret; });
  EXPECT_EQ(shown("\n\ra\r"), "\na\r");
  change([](abi::Termios& t) { t.oflag = abi::kOpost | abi::kXtabs | abi::kOnlcr; });
  EXPECT_EQ(shown("\r\tab\t|"), "\r        ab      |");
  change([](abi::Termios& t) { t.oflag = abi::kOpost | abi::kOlcuc; });
  EXPECT_EQ(shown("aZ"), "AZ");
  change([](abi::Termios& t) { t.oflag = abi::kOnlcr; });  // nothing without OPOST
  EXPECT_EQ(shown("a\n"), "a\n");
}

TEST_F(LdiscTest, OutputStopsWhereRoomEnds) {
  port.room = 3;
  EXPECT_EQ(l->write("ab\nc", 4), 2u);  // the newline would need two
  EXPECT_EQ(port.sent, "ab");
  port.room = 5;
  EXPECT_EQ(l->write("\nc", 2), 2u);
  EXPECT_EQ(port.sent, "ab\r\nc");
}

TEST_F(LdiscTest, RawInputPassesThrough) {
  raw();
  EXPECT_EQ(echo_of("a\r\x03\x04"), "");
  EXPECT_TRUE(l->readable(4));
  EXPECT_FALSE(l->readable(5));
  EXPECT_EQ(read(2), "a\r");
  EXPECT_EQ(read(), "\x03\x04");
}

TEST_F(LdiscTest, StripAndParityMarks) {
  raw();
  change([](abi::Termios& t) { t.iflag = abi::kIstrip; });
  type("\xe1");
  EXPECT_EQ(read(), "a");
  change([](abi::Termios& t) { t.iflag = abi::kParmrk; });
  type("\xff");
  EXPECT_EQ(read(), "\xff\xff");
}

TEST_F(LdiscTest, RawInputIsHeldBackWhenFull) {
  raw();
  std::string much(5000, 'x');
  size_t taken = type(much);
  EXPECT_EQ(taken, 4095u);
  EXPECT_EQ(type("y"), 0u);
  EXPECT_EQ(read(1000).size(), 1000u);
  EXPECT_EQ(type("y"), 1u);
  EXPECT_EQ(read().size(), 3096u);
}

TEST_F(LdiscTest, ALineHoldsFourThousandAndNinetyFiveCharacters) {
  EXPECT_EQ(type(std::string(5000, 'x')), 5000u);
  EXPECT_FALSE(l->readable());
  type("\n");
  EXPECT_EQ(read(), std::string(4095, 'x') + "\n");
}

TEST_F(LdiscTest, WholeLinesAreHeldBackWhenFull) {
  type("first\n");
  size_t taken = type(std::string(5000, 'x'));
  EXPECT_LT(taken, 5000u);
  EXPECT_EQ(type("\n"), 0u);
  EXPECT_EQ(read(), "first\n");
  EXPECT_EQ(type("\n"), 1u);
  EXPECT_EQ(read(), std::string(taken, 'x') + "\n");
}

TEST_F(LdiscTest, ChangingModesKeepsWhatWasTyped) {
  type("abc");
  raw();
  EXPECT_TRUE(l->readable());
  EXPECT_EQ(read(2), "ab");
  change([](abi::Termios& t) { t = default_termios(); });
  EXPECT_TRUE(l->readable());
  EXPECT_EQ(read(), "c");
  type("d\n");
  EXPECT_EQ(read(), "d\n");
}

TEST_F(LdiscTest, TheRingWrapsAround) {
  for (int i = 0; i < 3000; i++) {
    std::string line = "line " + std::to_string(i) + "\n";
    type(line);
    ASSERT_EQ(read(), line);
  }
}

}  // namespace
}  // namespace lodge
