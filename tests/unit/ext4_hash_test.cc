// The checksum and the hashes, against the values that their definitions or e2fsprogs give.
#include <gtest/gtest.h>

#include <cstdio>
#include <string>
#include <vector>

#include "kernel/base/crc32c.h"
#include "tests/unit/ext4_image.h"
#include "vfs/ext4/dir_hash.h"

namespace lodge::ext4 {
namespace {

TEST(Crc32c, KnownValues) {
  EXPECT_EQ(~crc32c(~0u, "123456789", 9), 0xe3069283u);  // the check value of the CRC catalogue
  std::vector<uint8_t> zeros(32), ones(32, 0xff), up(32);
  for (uint8_t i = 0; i < 32; i++) up[i] = i;
  EXPECT_EQ(~crc32c(~0u, zeros.data(), 32), 0x8a9136aau);  // RFC 3720, B.4
  EXPECT_EQ(~crc32c(~0u, ones.data(), 32), 0x62a8ab43u);
  EXPECT_EQ(~crc32c(~0u, up.data(), 32), 0x46dd794eu);
}

TEST(Crc32c, PiecesMakeTheWhole) {
  std::string s = pattern(1000, 7);
  uint32_t whole = crc32c(~0u, s.data(), s.size());
  for (size_t cut = 0; cut <= 40; cut++)
    EXPECT_EQ(crc32c(crc32c(~0u, s.data(), cut), s.data() + cut, s.size() - cut), whole) << cut;
}

// debugfs computes all hashes but the signed ones with high characters.
uint32_t debugfs_hash(const std::string& name, const std::string& version, const std::string& seed) {
  std::string out = shell("debugfs -R 'dx_hash -h " + version + (seed.empty() ? "" : " -s " + seed) + " \"" +
                          name + "\"' 2>/dev/null");
  unsigned hash = 0;
  size_t at = out.rfind(" is 0x");
  EXPECT_NE(at, out.npos) << out;
  if (at != out.npos) sscanf(out.c_str() + at + 4, "%x", &hash);
  return hash;
}

TEST(DirHash, AgreesWithDebugfs) {
  const char* names[] = {
      "a",
      "ab",
      "abc",
      "hello",
      "0123456789abcde",
      "0123456789abcdef",
      "0123456789abcdefg",
      "a-name-of-thirty-two-characters-",
      "a-name-of-thirty-three-characters",
      "a much longer name that needs several rounds of every one of the hashes there are, twice"};
  const uint32_t none[4] = {}, seed[4] = {0x11223344, 0x55667788, 0x99aabbcc, 0xddeeff00};
  const std::string uuid = "44332211-8877-6655-ccbb-aa9900ffeedd";  // seed's bytes
  for (const char* n : names) {
    std::pair<const char*, HashVersion> versions[] = {
        {"legacy", HashVersion::kLegacy}, {"half_md4", HashVersion::kHalfMd4}, {"tea", HashVersion::kTea}};
    for (auto [text, version] : versions) {
      EXPECT_EQ(dir_hash(n, version, none), debugfs_hash(n, text, "")) << n << " " << text;
      EXPECT_EQ(dir_hash(n, version, seed), debugfs_hash(n, text, uuid)) << n << " " << text;
      // Without high characters the sign makes no difference.
      EXPECT_EQ(dir_hash(n, static_cast<HashVersion>(static_cast<int>(version) + 3), seed),
                dir_hash(n, version, seed));
    }
  }
}

TEST(DirHash, SignMattersForHighCharacters) {
  const uint32_t none[4] = {};
  for (auto version : {HashVersion::kLegacy, HashVersion::kHalfMd4, HashVersion::kTea})
    EXPECT_NE(dir_hash("\xe4\xf6\xfc", version, none),
              dir_hash("\xe4\xf6\xfc", static_cast<HashVersion>(static_cast<int>(version) + 3), none));
}

}  // namespace
}  // namespace lodge::ext4
