// Sizes and numbers of the command line.
#include "userland/lodge/size_parse.h"

#include <gtest/gtest.h>

namespace lodge {
namespace {

TEST(ParseSize, TakesUnitsInPowersOf1024) {
  EXPECT_EQ(parse_size("0"), 0u);
  EXPECT_EQ(parse_size("4096"), 4096u);
  EXPECT_EQ(parse_size("512M"), 512ull << 20);
  EXPECT_EQ(parse_size("512m"), 512ull << 20);
  EXPECT_EQ(parse_size("2GiB"), 2ull << 30);
  EXPECT_EQ(parse_size("2GB"), 2ull << 30);
  EXPECT_EQ(parse_size("1T"), 1ull << 40);
  EXPECT_EQ(parse_size("7E"), 7ull << 60);
  EXPECT_EQ(parse_size("12B"), 12u);
  EXPECT_EQ(parse_size("9223372036854775807"), INT64_MAX);
}

TEST(ParseSize, RefusesTheRest) {
  for (const char* text : {"", "M", "-1", "+1", "1.5G", " 1G", "1G ", "1X", "1Mi", "1MM", "1BB", "0x10", "8E",
                           "9223372036854775808", "99999999999999999999", "9007199254740992K"}) {
    EXPECT_FALSE(parse_size(text)) << text;
  }
}

TEST(ParseNumber, RespectsTheMaximum) {
  EXPECT_EQ(parse_number("0", 0), 0u);
  EXPECT_EQ(parse_number("65534", 65534), 65534u);
  EXPECT_FALSE(parse_number("65535", 65534));
  EXPECT_FALSE(parse_number("", 10));
  EXPECT_FALSE(parse_number("1 ", 10));
  EXPECT_FALSE(parse_number("-1", 10));
}

}  // namespace
}  // namespace lodge
