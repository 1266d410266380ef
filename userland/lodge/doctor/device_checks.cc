// What lodge finds on the host's file system: its own kernel and image, and the devices of the network.
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "userland/lodge/doctor/doctor.h"
#include "userland/lodge/file_descriptor.h"

namespace lodge {

namespace {

// As `lodge run` looks for them.
std::filesystem::path own_directory() {
  std::error_code error;
  return std::filesystem::read_symlink("/proc/self/exe", error).parent_path();
}

Finding look_at_kernel_file() {
  std::string file = own_directory() / "lodge-kernel";
  if (access(file.c_str(), R_OK) == 0) return good(file);
  return broken(file + ": " + strerror(errno), "There is no kernel to boot.", "Build Lodge with tools/run.");
}

Finding look_at_default_image() {
  std::string file = own_directory().parent_path() / "images/default.img";
  if (access(file.c_str(), R_OK) == 0) return good(file);
  return limited(file + ": " + strerror(errno), "lodge run needs --image.", "Build Lodge with tools/run.");
}

Finding look_at_tap() {
  FileDescriptor tun(open("/dev/net/tun", O_RDWR | O_CLOEXEC));
  const char* consequence = "A VPS cannot have a network card on a TAP of its own making.";
  if (!tun) {
    return limited(std::string("/dev/net/tun: ") + strerror(errno), consequence,
                   "Load the module tun and give this user access to /dev/net/tun.");
  }
  // A TAP that nobody made persistent is gone with its descriptor.
  ifreq request{};
  strncpy(request.ifr_name, "lodge%d", IFNAMSIZ - 1);
  request.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR;
  if (ioctl(tun.get(), TUNSETIFF, &request) == 0) return good("can be made");
  return limited(std::string("cannot be made: ") + strerror(errno), consequence,
                 "Have root make one for this user: ip tuntap add NAME mode tap user USER vnet_hdr.");
}

}  // namespace

void append_device_checks(std::vector<DoctorCheck>& checks) {
  checks.push_back({"lodge-kernel", look_at_kernel_file});
  checks.push_back({"default image", look_at_default_image});
  checks.push_back({"TAP", look_at_tap});
}

}  // namespace lodge
