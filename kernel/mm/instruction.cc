// Instruction lengths, by opcode map.
#include "kernel/mm/instruction.h"

#include <algorithm>
#include <iterator>

namespace lodge {
namespace {

// What follows an opcode:
//   .  nothing           m  ModRM                          x  no such instruction, or none that we know
//   b  8 bits            B  ModRM, 8 bits                  p  a prefix
//   h  16 bits           w  16 or 32 bits                  W  ModRM, 16 or 32 bits
//   j  32 bits           q  as w, 64 with REX.W            o  an address
//   e  24 bits           t, T  ModRM, and as B or W if its reg field is 0 or 1 (test)
constexpr char kOneByte[] =
    "mmmmbwxxmmmmbwxx"   // 00; 0f: the two-byte map
    "mmmmbwxxmmmmbwxx"   // 10
    "mmmmbwpxmmmmbwpx"   // 20
    "mmmmbwpxmmmmbwpx"   // 30
    "pppppppppppppppp"   // 40: REX
    "................"   // 50
    "xxxmppppwWbB...."   // 60; 62: EVEX
    "bbbbbbbbbbbbbbbb"   // 70
    "BWxBmmmmmmmmmmmm"   // 80
    "..........x....."   // 90
    "oooo....bw......"   // a0
    "bbbbbbbbqqqqqqqq"   // b0
    "BBh.xxBWe.h..bx."   // c0; c4, c5: VEX
    "mmmmxxx.mmmmmmmm"   // d0
    "bbbbbbbbjjxb...."   // e0
    "p.pp..tT......mm";  // f0
constexpr char kTwoBytes[] =
    "mmmmx.....x.xm.x"   // 00
    "mmmmmmmmmmmmmmmm"   // 10
    "xxxxxxxxmmmmmmmm"   // 20: moves of control registers are not for us
    "......x.xxxxxxxx"   // 30; 38, 3a: the three-byte maps
    "mmmmmmmmmmmmmmmm"   // 40
    "mmmmmmmmmmmmmmmm"   // 50
    "mmmmmmmmmmmmmmmm"   // 60
    "BBBBmmm.xxxxmmmm"   // 70
    "jjjjjjjjjjjjjjjj"   // 80
    "mmmmmmmmmmmmmmmm"   // 90
    "...mBmxx...mBmmm"   // a0
    "mmmmmmmmmmBmmmmm"   // b0
    "mmBmBBBm........"   // c0
    "mmmmmmmmmmmmmmmm"   // d0
    "mmmmmmmmmmmmmmmm"   // e0
    "mmmmmmmmmmmmmmmm";  // f0
static_assert(sizeof kOneByte == 257 && sizeof kTwoBytes == 257);

// The bytes of one instruction. Reading past the end is remembered, and gives 0.
class Reader {
 public:
  explicit Reader(std::span<const uint8_t> bytes)
      : bytes_(bytes.first(bytes.size() < kMaxInstructionLength ? bytes.size() : kMaxInstructionLength)) {}
  uint8_t peek() const { return at_ < bytes_.size() ? bytes_[at_] : 0; }
  uint8_t next() {
    uint8_t b = peek();
    at_++;
    return b;
  }
  void skip(size_t n) { at_ += n; }
  // 0 if the bytes did not suffice.
  uint8_t length() const { return at_ <= bytes_.size() ? static_cast<uint8_t>(at_) : 0; }

 private:
  std::span<const uint8_t> bytes_;
  size_t at_ = 0;
};

struct ModRm {
  uint8_t reg = 0;
};

ModRm skip_modrm(Reader& r) {
  uint8_t modrm = r.next(), mod = modrm >> 6, rm = modrm & 7;
  if (mod != 3) {
    uint8_t base = rm == 4 ? r.next() & 7 : rm;
    if (mod == 1)
      r.skip(1);
    else if (mod == 2 || base == 5)
      r.skip(4);
  }
  return {static_cast<uint8_t>(modrm >> 3 & 7)};
}

struct Prefixes {
  bool operand_size = false;  // 66
  bool address_size = false;  // 67
  bool repeat = false;        // f2, f3
  uint8_t rex = 0;
};

Prefixes skip_prefixes(Reader& r) {
  Prefixes p;
  while (kOneByte[r.peek()] == 'p') {
    uint8_t b = r.next();
    if ((b & 0xf0) == 0x40) {  // REX counts right before the opcode
      p.rex = b;
      break;
    }
    if (b == 0x66) p.operand_size = true;
    if (b == 0x67) p.address_size = true;
    if (b == 0xf2 || b == 0xf3) p.repeat = true;
  }
  return p;
}

// VEX and EVEX: behind the prefix an opcode of map `map`, always with ModRM but for vzeroupper.
bool skip_vector_instruction(Reader& r, uint8_t map) {
  uint8_t opcode = r.next();
  if (map == 1 && opcode == 0x77) return true;
  if (map == 0 || map > 6 || map == 4) return false;
  skip_modrm(r);
  if (map == 3 || (map == 1 && kTwoBytes[opcode] == 'B')) r.skip(1);
  return true;
}

bool skip_operands(Reader& r, char form, const Prefixes& p, ModRm& modrm) {
  const size_t word = p.operand_size && !(p.rex & 8) ? 2 : 4;
  if (form == 'm' || form == 'B' || form == 'W' || form == 't' || form == 'T') modrm = skip_modrm(r);
  bool tests = modrm.reg <= 1;
  switch (form) {
    case '.':
    case 'm':
      return true;
    case 'b':
    case 'B':
      r.skip(1);
      return true;
    case 'h':
      r.skip(2);
      return true;
    case 'e':
      r.skip(3);
      return true;
    case 'w':
    case 'W':
      r.skip(word);
      return true;
    case 'q':
      r.skip(p.rex & 8 ? 8 : word);
      return true;
    case 'o':
      r.skip(p.address_size ? 4 : 8);
      return true;
    case 't':
      r.skip(tests ? 1 : 0);
      return true;
    case 'T':
      r.skip(tests ? word : 0);
      return true;
    case 'j':
      r.skip(4);
      return !p.operand_size || (p.rex & 8);  // else processors differ in what it does
    default:
      return false;
  }
}

}  // namespace

Instruction decode_instruction(std::span<const uint8_t> bytes) {
  Reader r(bytes);
  Instruction result;
  Prefixes p = skip_prefixes(r);
  uint8_t opcode = r.next();
  if (opcode == 0xc5 || opcode == 0xc4 || opcode == 0x62) {
    uint8_t first = r.next(), map = opcode == 0xc5 ? 1 : opcode == 0xc4 ? first & 0x1f : first & 7;
    r.skip(opcode == 0xc5 ? 0 : opcode == 0xc4 ? 1 : 2);
    if (skip_vector_instruction(r, map)) result.length = r.length();
    return result;
  }
  ModRm modrm;
  if (opcode == 0x0f) {
    opcode = r.next();
    if (opcode == 0x38 || opcode == 0x3a) {
      r.skip(1);
      skip_modrm(r);
      r.skip(opcode == 0x3a ? 1 : 0);
    } else if (!skip_operands(r, kTwoBytes[opcode], p, modrm)) {
      return result;
    }
    result.length = r.length();
    result.ends_flow = opcode == 0x0b;  // ud2
    result.filler = opcode == 0x1f && modrm.reg == 0 && !p.repeat;
    return result;
  }
  if (opcode == 0x8f && (r.peek() >> 3 & 7) != 0) return result;  // XOP
  if (!skip_operands(r, kOneByte[opcode], p, modrm)) {
    result.impossible = kOneByte[opcode] == 'x';
    return result;
  }
  result.length = r.length();
  switch (opcode) {
    case 0xc2:
    case 0xc3:
    case 0xca:
    case 0xcb:  // ret
    case 0xe9:
    case 0xeb:  // jmp
    case 0xf4:  // hlt
      result.ends_flow = true;
      break;
    case 0xff:
      result.ends_flow = modrm.reg == 4 || modrm.reg == 5;  // jmp by register or memory
      break;
    case 0x90:
      result.filler = !(p.rex & 1) && !p.repeat;
      break;
    case 0xcc:
      result.filler = true;
      break;
  }
  return result;
}

int find_boundary(std::span<const uint8_t> bytes) {
  if (bytes.size() <= kMaxInstructionLength) return -1;
  size_t ways[kMaxInstructionLength];
  for (size_t i = 0; i < kMaxInstructionLength; i++) ways[i] = i;
  size_t* end = std::end(ways);
  // The way that is furthest behind goes on; when all are at one place they stay together.
  while (ways != end) {
    auto [behind, ahead] = std::minmax_element(ways, end);
    if (*behind == *ahead) return *behind < bytes.size() ? static_cast<int>(*behind) : -1;
    Instruction i = decode_instruction(bytes.subspan(*behind));
    const bool cut_off = bytes.size() - *behind < kMaxInstructionLength;
    if (i.length != 0)
      *behind += i.length;
    else if (i.impossible || cut_off)
      *behind = *--end;
    else
      return -1;
  }
  return -1;
}

}  // namespace lodge
