// The line discipline: canonical editing, echo, special characters, raw reads with MIN and TIME, output
// processing.
#include "tty/pty.h"

using namespace guest;

TEST(line_comes_whole) {
  Pty pty;
  pty.type("hel");
  CHECK(!readable(pty.slave, 20));
  pty.type("lo\nmore");
  CHECK_EQ(read_once(pty.slave), std::string("hello\n"));
  CHECK(!readable(pty.slave));
  pty.type("\n");
  CHECK_EQ(read_once(pty.slave), std::string("more\n"));
}

TEST(line_in_pieces) {
  Pty pty;
  pty.type("abcdef\nxy\n");
  char data[3];
  CHECK_EQ(OK(read, pty.slave, data, 3), 3);
  CHECK_EQ(std::string(data, 3), std::string("abc"));
  CHECK_EQ(read_once(pty.slave), std::string("def\n"));
  CHECK_EQ(read_once(pty.slave), std::string("xy\n"));
}

TEST(line_editing) {
  Pty pty;
  struct {
    const char *keys, *line;
  } rows[] = {
      {"ab\x7f"
       "c\n",
       "ac\n"},  // erase
      {"\x7f\x7f"
       "x\n",
       "x\n"},                                // nothing to erase
      {"one two\x17three\n", "one three\n"},  // werase
      {"one two  \x17x\n", "one x\n"},
      {"wrong\x15right\n", "right\n"},  // kill
      {"a\x16\x03"
       "b\n",
       "a\x03"
       "b\n"},  // literal next
      {"a\x16\x7f\n", "a\x7f\n"},
      {"cr\r", "cr\n"},  // ICRNL
  };
  for (auto& row : rows) {
    pty.type(row.keys);
    CHECK_EQ(read_once(pty.slave), std::string(row.line));
  }
}

TEST(line_erase_of_utf8) {
  Pty pty;
  pty.change([](termios& t) { t.c_iflag |= IUTF8; });
  pty.type(
      "a\xc3\xa4\x7f"
      "b\n");
  CHECK_EQ(read_once(pty.slave), std::string("ab\n"));
}

TEST(line_end_of_file) {
  Pty pty;
  pty.type("\x04");
  CHECK_EQ(read_once(pty.slave), std::string());
  // After text it ends the line without a newline.
  pty.type("abc\x04");
  CHECK_EQ(read_once(pty.slave), std::string("abc"));
  pty.type("x\n");
  CHECK_EQ(read_once(pty.slave), std::string("x\n"));
}

TEST(line_own_end_characters) {
  Pty pty;
  pty.change([](termios& t) { t.c_cc[VEOL] = ';'; });
  pty.type("ab;cd\n");
  CHECK_EQ(read_once(pty.slave), std::string("ab;"));
  CHECK_EQ(read_once(pty.slave), std::string("cd\n"));
}

TEST(echo_forms) {
  Pty pty;
  pty.type(
      "ab\x7f"
      "c\n");
  CHECK_EQ(read_bytes(pty.master, 8), std::string("ab\b \bc\r\n"));
  CHECK_EQ(read_once(pty.slave), std::string("ac\n"));
  pty.type("\x01");
  CHECK_EQ(read_bytes(pty.master, 2), std::string("^A"));
  pty.type("\x15");
  // ECHOKE wipes the line on the screen.
  CHECK_EQ(read_bytes(pty.master, 6), std::string("\b \b\b \b"));
  pty.change([](termios& t) { t.c_lflag &= ~ECHO; });
  pty.type("secret\n");
  CHECK_EQ(read_once(pty.slave), std::string("secret\n"));
  CHECK(!readable(pty.master, 20));
  // ECHONL shows the newline all the same.
  pty.change([](termios& t) { t.c_lflag |= ECHONL; });
  pty.type("secret\n");
  CHECK_EQ(read_bytes(pty.master, 2), std::string("\r\n"));
}

TEST(output_processing) {
  Pty pty;
  OK(write, pty.slave, "a\nb", 3);
  CHECK_EQ(read_bytes(pty.master, 4), std::string("a\r\nb"));
  pty.change([](termios& t) { t.c_oflag &= ~OPOST; });
  OK(write, pty.slave, "a\nb", 3);
  CHECK_EQ(read_bytes(pty.master, 3), std::string("a\nb"));
}

TEST(input_translation) {
  Pty pty;
  pty.change([](termios& t) {
    t.c_iflag = INLCR;
    t.c_lflag = 0;
  });
  pty.type("a\nb\r");
  CHECK_EQ(read_once(pty.slave), std::string("a\rb\r"));
  pty.change([](termios& t) { t.c_iflag = IGNCR; });
  pty.type("a\rb");
  CHECK_EQ(read_once(pty.slave), std::string("ab"));
  pty.change([](termios& t) { t.c_iflag = ISTRIP; });
  pty.type("\xe1");
  CHECK_EQ(read_once(pty.slave), std::string("a"));
}

TEST(raw_minimum_and_time) {
  Pty pty;
  auto raw = [&](int minimum, int tenths) {
    pty.change([&](termios& t) {
      cfmakeraw(&t);
      t.c_cc[VMIN] = static_cast<cc_t>(minimum);
      t.c_cc[VTIME] = static_cast<cc_t>(tenths);
    });
  };
  char data[16];
  raw(1, 0);
  pty.type("a");
  CHECK_EQ(OK(read, pty.slave, data, 16), 1);
  raw(0, 0);
  CHECK_EQ(OK(read, pty.slave, data, 16), 0);
  raw(0, 1);
  int64_t start = now_ns();
  CHECK_EQ(OK(read, pty.slave, data, 16), 0);
  CHECK(now_ns() - start >= 90'000'000);
  // MIN 3 waits for three, however they come.
  raw(3, 0);
  pid_t child = start_child([&] {
    for (char c : {'x', 'y', 'z'}) {
      pty.type(std::string(1, c));
      sleep_ms(5);
    }
  });
  CHECK_EQ(OK(read, pty.slave, data, 16), 3);
  wait_child(child);
  // With TIME, what has come is returned when no more does.
  raw(10, 1);
  pty.type("ab");
  CHECK_EQ(OK(read, pty.slave, data, 16), 2);
}

TEST(nonblocking_reads) {
  Pty pty(O_RDWR | O_NOCTTY | O_NONBLOCK);
  char c;
  FAILS(EAGAIN, read, pty.slave, &c, 1);
  pty.type("no line yet");
  FAILS(EAGAIN, read, pty.slave, &c, 1);
  fcntl(pty.master, F_SETFL, O_NONBLOCK);
  read_bytes(pty.master, 11);
  FAILS(EAGAIN, read, pty.master, &c, 1);
}

TEST(flush_and_queue_sizes) {
  Pty pty;
  int count = -1;
  pty.change([](termios& t) { t.c_lflag &= ~(ICANON | ECHO); });
  pty.type("abcde");
  CHECK(eventually([&] { return ioctl(pty.slave, FIONREAD, &count) == 0 && count == 5; }));
  OK(ioctl, pty.slave, TCFLSH, TCIFLUSH);
  OK(ioctl, pty.slave, FIONREAD, &count);
  CHECK_EQ(count, 0);
  FAILS(EINVAL, ioctl, pty.slave, TCFLSH, 9);
  OK(ioctl, pty.slave, TCSBRK, 1);
}

TEST(tcsetattr_flush_drops_input) {
  Pty pty;
  pty.type("typed ahead\n");
  CHECK(readable(pty.slave, 5000));
  termios t = pty.settings();
  REQUIRE(tcsetattr(pty.slave, TCSAFLUSH, &t) == 0);
  CHECK(!readable(pty.slave, 20));
}

TEST(stop_and_start_output) {
  Pty pty;
  pty.change([](termios& t) {
    t.c_iflag |= IXON;
    t.c_lflag &= ~ECHO;
  });
  pty.type("\x13");
  fcntl(pty.slave, F_SETFL, O_NONBLOCK);
  CHECK(eventually([&] { return SYS(write, pty.slave, "", 1) == -1 && errno == EAGAIN; }));
  pty.type("\x11");
  CHECK(eventually([&] { return SYS(write, pty.slave, "x", 1) == 1; }));
  CHECK(readable(pty.master, 5000));
}

TEST(canonical_line_is_bounded) {
  // 4095 characters are kept, the newline still ends the line.
  Pty pty;
  pty.change([](termios& t) { t.c_lflag &= ~ECHO; });
  std::string text(5000, 'x');
  for (size_t at = 0; at < text.size(); at += 500) pty.type(text.substr(at, 500));
  pty.type("\n");
  std::string line = read_bytes(pty.slave, 4096);
  CHECK_EQ(line.size(), 4096u);
  CHECK_EQ(line.back(), '\n');
}
