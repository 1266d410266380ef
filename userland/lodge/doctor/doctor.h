// `lodge doctor`: looks whether this host can run Lodge, and says for each thing that is missing what will
// not work and what to do. Changes nothing. Exit code 0 when a VPS can boot, 125 when not. No locks.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace lodge {

enum class Health {
  kGood,
  kLimited,  // Lodge boots; something is slower or missing
  kBroken,   // Lodge cannot boot
};

struct Finding {
  Health health;
  std::string found;        // what the host has: "6.1.0", "1024"
  std::string consequence;  // what will not work; empty when good
  std::string remedy;       // what to do about it; empty when good
};

struct DoctorCheck {
  const char* name;
  std::function<Finding()> look;
};

// In the order in which they are printed. One file each: kernel_checks.cc, limit_checks.cc, device_checks.cc.
void append_kernel_checks(std::vector<DoctorCheck>& checks);
void append_limit_checks(std::vector<DoctorCheck>& checks);
void append_device_checks(std::vector<DoctorCheck>& checks);

// Prints the findings and returns the exit code.
int print_findings(const std::vector<DoctorCheck>& checks);

int cmd_doctor();

inline Finding good(std::string found) {
  return {Health::kGood, std::move(found), "", ""};
}
inline Finding limited(std::string found, std::string consequence, std::string remedy) {
  return {Health::kLimited, std::move(found), std::move(consequence), std::move(remedy)};
}
inline Finding broken(std::string found, std::string consequence, std::string remedy) {
  return {Health::kBroken, std::move(found), std::move(consequence), std::move(remedy)};
}

}  // namespace lodge
