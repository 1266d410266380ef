// The set*id rules, groups, and capabilities.
#include <linux/capability.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>

#include "harness/util.h"

using namespace guest;

namespace {

struct Ids {
  uid_t r, e, s;
  bool operator==(const Ids&) const = default;
};

Ids uids() {
  Ids ids;
  OK(getresuid, &ids.r, &ids.e, &ids.s);
  return ids;
}

Ids gids() {
  Ids ids;
  OK(getresgid, &ids.r, &ids.e, &ids.s);
  return ids;
}

struct Caps {
  uint64_t effective, permitted, inheritable;
};

Caps caps() {
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2] = {};
  OK(capget, &header, data);
  return {data[0].effective | uint64_t{data[1].effective} << 32,
          data[0].permitted | uint64_t{data[1].permitted} << 32,
          data[0].inheritable | uint64_t{data[1].inheritable} << 32};
}

long set_caps(uint64_t effective, uint64_t permitted, uint64_t inheritable = 0) {
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2] = {
      {uint32_t(effective), uint32_t(permitted), uint32_t(inheritable)},
      {uint32_t(effective >> 32), uint32_t(permitted >> 32), uint32_t(inheritable >> 32)}};
  return SYS(capset, &header, data);
}

constexpr uint64_t bit(int cap) {
  return 1ull << cap;
}

}  // namespace

TEST(ids_agree) {
  CHECK_EQ(OK(getuid), uids().r);
  CHECK_EQ(OK(geteuid), uids().e);
  CHECK_EQ(OK(getgid), gids().r);
  CHECK_EQ(OK(getegid), gids().e);
}

TEST(ids_efaults) {
  uid_t id;
  FAILS(EFAULT, getresuid, kBadPointer, &id, &id);
  FAILS(EFAULT, getresuid, &id, kBadPointer, &id);
  FAILS(EFAULT, getresuid, &id, &id, kBadPointer);
  FAILS(EFAULT, getresgid, kBadPointer, &id, &id);
}

TEST(setuid_as_root_sets_all) {
  need_root();
  in_child([] {
    OK(setuid, 1000);
    CHECK((uids() == Ids{1000, 1000, 1000}));
    FAILS(EPERM, setuid, 0);
    FAILS(EPERM, setuid, 1001);
    OK(setuid, 1000);
  });
  in_child([] {
    OK(setgid, 1000);
    CHECK((gids() == Ids{1000, 1000, 1000}));
  });
}

TEST(setuid_of_saved_id) {
  need_root();
  in_child([] {
    OK(setresuid, 1000, 2000, 3000);
    CHECK((uids() == Ids{1000, 2000, 3000}));
    OK(setuid, 3000);
    CHECK((uids() == Ids{1000, 3000, 3000}));
    OK(setuid, 1000);
    CHECK((uids() == Ids{1000, 1000, 3000}));
    FAILS(EPERM, setuid, 2000);
  });
}

TEST(setresuid_rules) {
  need_root();
  in_child([] {
    OK(setresuid, 1, 2, 3);
    OK(setresuid, -1, -1, -1);
    CHECK((uids() == Ids{1, 2, 3}));
    OK(setresuid, 3, 1, 2);
    CHECK((uids() == Ids{3, 1, 2}));
    FAILS(EPERM, setresuid, 4, -1, -1);
    FAILS(EPERM, setresuid, -1, 4, -1);
    FAILS(EPERM, setresuid, -1, -1, 4);
    OK(setresuid, 1, 1, 1);
    FAILS(EPERM, setresuid, 2, 2, 2);
  });
  in_child([] {
    OK(setresgid, 1, 2, 3);
    CHECK((gids() == Ids{1, 2, 3}));
    OK(setresuid, 1, 1, 1);
    OK(setresgid, 3, 3, 2);
    FAILS(EPERM, setresgid, 4, -1, -1);
  });
}

TEST(setreuid_rules) {
  need_root();
  in_child([] {
    OK(setreuid, 1000, 2000);
    // The saved id follows when the real one is set, or the effective one becomes another than the real.
    CHECK((uids() == Ids{1000, 2000, 2000}));
    OK(setreuid, 2000, 1000);
    CHECK((uids() == Ids{2000, 1000, 1000}));
    FAILS(EPERM, setreuid, 3000, -1);
    FAILS(EPERM, setreuid, -1, 3000);
  });
  in_child([] {
    OK(setregid, 1000, 2000);
    CHECK((gids() == Ids{1000, 2000, 2000}));
    OK(setuid, 5);
    OK(setregid, 2000, 1000);
    FAILS(EPERM, setregid, 3000, -1);
  });
}

TEST(setuid_invalid) {
  FAILS(EINVAL, setuid, -1);
  FAILS(EINVAL, setgid, -1);
}

TEST(unprivileged_changes) {
  as_nobody([] {
    FAILS(EPERM, setuid, 0);
    FAILS(EPERM, setgid, 0);
    FAILS(EPERM, setresuid, 0, 0, 0);
    FAILS(EPERM, setresgid, 0, 0, 0);
    FAILS(EPERM, setreuid, 0, 0);
    FAILS(EPERM, setregid, 0, 0);
    FAILS(EPERM, setgroups, 0, nullptr);
    OK(setuid, kNobody);
    OK(setresuid, kNobody, kNobody, kNobody);
  });
}

TEST(setfsuid_returns_the_old) {
  need_root();
  put_file("f", "", 0600);
  in_child([] {
    CHECK_EQ(OK(setfsuid, kNobody), 0);
    CHECK_EQ(OK(setfsuid, -1), kNobody);
    // Files are judged by it; DAC capabilities are dropped with it.
    FAILS(EACCES, open, "f", O_RDONLY);
    OK(setfsuid, 0);
    OK(open, "f", O_RDONLY);
    CHECK_EQ(OK(setfsgid, 7), 0);
    CHECK_EQ(OK(setfsgid, -1), 7);
  });
}

TEST(groups_set_and_get) {
  need_root();
  in_child([] {
    gid_t groups[] = {30, 10, 20}, out[4] = {};
    OK(setgroups, 3, groups);
    CHECK_EQ(OK(getgroups, 0, nullptr), 3);
    CHECK_EQ(OK(getgroups, 4, out), 3);
    CHECK_EQ(out[0] + out[1] + out[2], 60u);
    FAILS(EINVAL, getgroups, 2, out);
    FAILS(EINVAL, getgroups, -1, out);
    FAILS(EFAULT, getgroups, 3, kBadPointer);
    FAILS(EINVAL, setgroups, 65537, groups);
    FAILS(EFAULT, setgroups, 3, kBadPointer);
    gid_t bad = -1;
    FAILS(EINVAL, setgroups, 1, &bad);
    OK(setgroups, 0, nullptr);
    CHECK_EQ(OK(getgroups, 0, nullptr), 0);
  });
}

TEST(capabilities_of_root_and_others) {
  need_root();
  CHECK(caps().effective & bit(CAP_SYS_ADMIN));
  in_child([] {
    OK(setresuid, 1000, 1000, 1000);
    CHECK_EQ(caps().effective, 0u);
    CHECK_EQ(caps().permitted, 0u);
  });
  in_child([] {
    // With a saved root the permitted set stays, and comes back into effect.
    uint64_t full = caps().permitted;
    OK(setresuid, 1000, 1000, 0);
    CHECK_EQ(caps().effective, 0u);
    CHECK_EQ(caps().permitted, full);
    OK(setresuid, -1, 0, -1);
    CHECK_EQ(caps().effective, full);
  });
  in_child([] {
    REQUIRE(prctl(PR_SET_KEEPCAPS, 1) == 0);
    uint64_t full = caps().permitted;
    OK(setresuid, 1000, 1000, 1000);
    CHECK_EQ(caps().permitted, full);
    CHECK_EQ(caps().effective, 0u);
    CHECK_EQ(set_caps(bit(CAP_SETUID), bit(CAP_SETUID)), 0);
    cover("capset", 0);
    OK(setuid, 0);
  });
}

TEST(capset_rules) {
  need_root();
  in_child([] {
    CHECK_EQ(set_caps(bit(CAP_KILL), bit(CAP_KILL) | bit(CAP_CHOWN)), 0);
    put_file("f");
    FAILS(EPERM, chown, "f", 5, -1);
    // Never beyond what is permitted.
    CHECK_ERRNO(capset, set_caps(bit(CAP_SETUID), bit(CAP_KILL)), EPERM);
    CHECK_ERRNO(capset, set_caps(0, bit(CAP_SETUID)), EPERM);
    CHECK_EQ(set_caps(bit(CAP_CHOWN), bit(CAP_CHOWN)), 0);
    OK(chown, "f", 5, -1);
    CHECK_EQ(set_caps(0, 0), 0);
    CHECK_ERRNO(capset, set_caps(bit(CAP_CHOWN), bit(CAP_CHOWN)), EPERM);
  });
}

TEST(capget_errnos) {
  __user_cap_header_struct header = {0x12345678, 0};
  __user_cap_data_struct data[2];
  FAILS(EINVAL, capget, &header, data);
  // The version that is wanted is written back.
  CHECK_EQ(header.version, uint32_t{_LINUX_CAPABILITY_VERSION_3});
  header = {_LINUX_CAPABILITY_VERSION_3, 0x3ffffff};
  FAILS(ESRCH, capget, &header, data);
  header = {_LINUX_CAPABILITY_VERSION_3, -1};
  FAILS(EINVAL, capget, &header, data);
  FAILS(EFAULT, capget, kBadPointer, data);
  header = {_LINUX_CAPABILITY_VERSION_3, getppid()};
  OK(capget, &header, data);
  FAILS(EPERM, capset, &header, data);
  header = {0x12345678, 0};
  FAILS(EINVAL, capset, &header, data);
}

TEST(capability_bounding_set) {
  CHECK_EQ(OK(prctl, PR_CAPBSET_READ, CAP_KILL), 1);
  FAILS(EINVAL, prctl, PR_CAPBSET_READ, 63);
  as_nobody([] { FAILS(EPERM, prctl, PR_CAPBSET_DROP, CAP_KILL); });
  if (!is_root()) return;
  in_child([] {
    OK(prctl, PR_CAPBSET_DROP, CAP_KILL);
    CHECK_EQ(OK(prctl, PR_CAPBSET_READ, CAP_KILL), 0);
  });
}
