#include "syscalls/strace/names.h"

#include <bit>

#include "kernel/abi/signal.h"
#include "kernel/abi/stat.h"

namespace lodge::strace {

const char* find_name(Names names, uint64_t value) {
  for (const Name& n : names)
    if (n.value == value) return n.name;
  return nullptr;
}

void put_name(Formatter& out, Names names, uint64_t value, std::string_view unknown) {
  if (const char* name = find_name(names, value))
    out.put(name);
  else
    format(out, "{}{:x} /* {} */", value ? "0x" : "", value, unknown);
}

void put_flags(Formatter& out, Names names, uint64_t bits, std::string_view unknown) {
  uint64_t left = bits;
  bool any = false;
  for (const Name& n : names) {
    if (n.value == 0 ? bits != 0 : (left & n.value) != n.value) continue;
    if (n.value == 0 && any) continue;
    if (any) out.put('|');
    out.put(n.name);
    left &= ~n.value;
    any = true;
  }
  if (!any && bits == 0) {
    out.put('0');
    return;
  }
  if (left == 0) return;
  format(out, "{}0x{:x}", any ? "|" : "", left);
  if (!any) format(out, " /* {} */", unknown);
}

namespace {

constexpr std::string_view kSignals[] = {"",       "HUP",  "INT",    "QUIT", "ILL",   "TRAP", "ABRT", "BUS",
                                         "FPE",    "KILL", "USR1",   "SEGV", "USR2",  "PIPE", "ALRM", "TERM",
                                         "STKFLT", "CHLD", "CONT",   "STOP", "TSTP",  "TTIN", "TTOU", "URG",
                                         "XCPU",   "XFSZ", "VTALRM", "PROF", "WINCH", "IO",   "PWR",  "SYS"};

// Without the prefix, as in sets.
void put_short_signal(Formatter& out, int signo) {
  if (signo > 0 && signo < abi::kSigRtMin)
    out.put(kSignals[signo]);
  else if (signo == abi::kSigRtMin)
    out.put("RTMIN");
  else if (signo > abi::kSigRtMin && signo <= abi::kSigMax)
    format(out, "RT_{}", signo - abi::kSigRtMin);
  else
    out.put(signo);
}

}  // namespace

void put_signal(Formatter& out, int signo) {
  if (signo > 0 && signo <= abi::kSigMax) out.put("SIG");
  put_short_signal(out, signo);
}

void put_signal_set(Formatter& out, uint64_t set) {
  // A set that is nearly full is told by what it lacks.
  bool inverted = std::popcount(set) >= abi::kSigMax * 2 / 3;
  if (inverted) out.put('~');
  out.put('[');
  bool any = false;
  for (int s = 1; s <= abi::kSigMax; s++) {
    if (((set >> (s - 1) & 1) != 0) == inverted) continue;
    if (any) out.put(' ');
    any = true;
    put_short_signal(out, s);
  }
  out.put(']');
}

std::string_view error_message(int number) {
  switch (number) {
#define MESSAGE(number, text) \
  case number:                \
    return text;
#include "syscalls/strace/messages.def"
#undef MESSAGE
  }
  return {};
}

void put_permissions(Formatter& out, uint32_t mode) {
  if (mode == 0)
    out.put("000");
  else if (mode < 010)
    format(out, "00{:o}", mode);
  else
    format(out, "0{:o}", mode);
}

void put_mode(Formatter& out, uint32_t mode) {
  using namespace abi;
  static constexpr Name kTypes[] = {
      {"S_IFREG", kTypeRegular}, {"S_IFSOCK", kTypeSocket}, {"S_IFIFO", kTypeFifo}, {"S_IFLNK", kTypeSymlink},
      {"S_IFDIR", kTypeDir},     {"S_IFBLK", kTypeBlock},   {"S_IFCHR", kTypeChar}};
  if (const char* type = find_name(kTypes, mode & kTypeMask)) {
    format(out, "{}|", type);
    mode &= ~kTypeMask;
  }
  for (const Name& n : {Name{"S_ISUID", kSetUid}, Name{"S_ISGID", kSetGid}, Name{"S_ISVTX", kSticky}})
    if (mode & n.value) {
      format(out, "{}|", n.name);
      mode &= ~static_cast<uint32_t>(n.value);
    }
  put_permissions(out, mode);
}

void put_device(Formatter& out, uint64_t device) {
  auto part = [&](uint32_t n) { format(out, "{}{:x}", n ? "0x" : "", n); };
  out.put("makedev(");
  part(abi::dev_major(device));
  out.put(", ");
  part(abi::dev_minor(device));
  out.put(')');
}

}  // namespace lodge::strace
