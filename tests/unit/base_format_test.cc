// Formatter and format(); the memory routines of the freestanding kernel.
#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <string>

#include "kernel/base/format.h"
#include "kernel/base/mem.h"
#include "kernel/base/string.h"
#include "kernel/host/hosted/arena_scope.h"

namespace lodge {
namespace {

struct Point {
  int x, y;
  void describe(Formatter& out) const { format(out, "({}, {})", x, y); }
};
enum class Colour : uint8_t { kRed = 3 };

template <typename... A>
std::string formatted(FormatString<std::type_identity_t<A>...> text, const A&... args) {
  char buffer[256];
  Formatter out(buffer);
  format<A...>(out, text, args...);
  EXPECT_FALSE(out.truncated());
  return std::string(out.view());
}

TEST(Format, Values) {
  EXPECT_EQ(formatted("plain {{}}"), "plain {}");
  EXPECT_EQ(formatted("{} {} {}", 0, -1, INT64_MIN), "0 -1 -9223372036854775808");
  EXPECT_EQ(formatted("{} {}", UINT64_MAX, uint8_t{200}), "18446744073709551615 200");
  EXPECT_EQ(formatted("{} {} {}", "text", std::string_view("view"), 'c'), "text view c");
  EXPECT_EQ(formatted("{} {}", true, Errno::ENOENT), "true ENOENT");
  EXPECT_EQ(formatted("{} {}", Point{1, -2}, Colour::kRed), "(1, -2) 3");
  EXPECT_EQ(formatted("{}", reinterpret_cast<void*>(0x7800)), "0x7800");
}

TEST(Format, Specs) {
  EXPECT_EQ(formatted("{:x} {:X} {:o}", 255, 255u, 8), "ff FF 10");
  EXPECT_EQ(formatted("[{:5}] [{:<5}] [{:05}] [{:05}]", 42, 42, 42, -42), "[   42] [42   ] [00042] [-0042]");
  EXPECT_EQ(formatted("[{:6}] [{:>6}] [{:.<6}]", "ab", "ab", "ab"), "[ab    ] [    ab] [ab....]");
  EXPECT_EQ(formatted("{:016x} {:c}", 0xdeadbeefull, 65), "00000000deadbeef A");
  EXPECT_EQ(formatted("{:2}", 12345), "12345");
}

TEST(Formatter, PutsAndTruncates) {
  char small[8];
  Formatter out(small);
  out.put("pipe:[").put(uint64_t{123456}).put(']');
  EXPECT_EQ(out.view(), "pipe:[12");
  EXPECT_TRUE(out.truncated());
  out.clear();
  out.put(-7).put(' ').hex(0xab, 4);
  EXPECT_EQ(out.view(), "-7 00ab");
  EXPECT_FALSE(out.truncated());
}

TEST(Formatter, GrowsAString) {
  ArenaScope scope;
  String s = String::copy("start ").take();
  std::string model = "start ";
  Formatter out(s);
  for (int i = 0; i < 300; i++) {
    format(out, "{},", i);
    model += std::to_string(i) + ",";
    ASSERT_EQ(s.view(), model);
  }
  scope.arena().fail_nth(1);
  while (!out.truncated()) out.put("0123456789");
  EXPECT_EQ(s.view().substr(0, model.size()), model);
}

// Every small size, at every alignment, against libc, with the bytes around checked.
TEST(Mem, AgreesWithLibc) {
  std::mt19937 rng(5);
  unsigned char a[700], b[700], source[700];
  for (auto& c : source) c = static_cast<unsigned char>(rng());
  for (size_t n = 0; n < 600; n += n < 80 ? 1 : 37) {
    for (size_t to = 0; to < 20; to += 3) {
      for (size_t from = 0; from < 20; from++) {
        std::memset(a, 0xee, sizeof(a));
        std::memset(b, 0xee, sizeof(b));
        EXPECT_EQ(mem_copy(a + to, source + from, n), a + to);
        std::memcpy(b + to, source + from, n);
        ASSERT_EQ(std::memcmp(a, b, sizeof(a)), 0) << "copy " << n;
        std::memcpy(a, source, sizeof(a));
        std::memcpy(b, source, sizeof(b));
        mem_move(a + to, a + from, n);
        std::memmove(b + to, b + from, n);
        ASSERT_EQ(std::memcmp(a, b, sizeof(a)), 0) << "move " << n << " from " << from << " to " << to;
      }
      mem_set(a + to, 0x1c5, n);
      std::memset(b, 0, sizeof(b));
      std::memcpy(b, source, sizeof(b));
      std::memcpy(a, source, sizeof(a));
      mem_set(a + to, 0x1c5, n);
      std::memset(b + to, 0x1c5, n);
      ASSERT_EQ(std::memcmp(a, b, sizeof(a)), 0) << "set " << n;
    }
  }
}

TEST(Mem, ComparesAndFinds) {
  auto sign = [](int n) { return (n > 0) - (n < 0); };
  std::mt19937 rng(6);
  for (int i = 0; i < 20000; i++) {
    char a[40], b[40];
    for (size_t k = 0; k < sizeof(a); k++) {
      a[k] = static_cast<char>(rng() % 2 * 128 + 1);
      b[k] = rng() % 30 ? a[k] : static_cast<char>(rng());
    }
    size_t n = rng() % (sizeof(a) + 1);
    ASSERT_EQ(sign(mem_compare(a, b, n)), sign(std::memcmp(a, b, n)));
    int wanted = rng() % 2 ? static_cast<int>(rng() % 256) : b[rng() % sizeof(b)];
    ASSERT_EQ(mem_find(b, wanted, n), std::memchr(b, wanted, n));
  }
  EXPECT_EQ(string_length(""), 0u);
  EXPECT_EQ(string_length("lodge"), 5u);
}

}  // namespace
}  // namespace lodge
