#include "userland/lodge/control_directory.h"

#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <optional>

#include "userland/lodge/file_descriptor.h"
#include "userland/lodge/size_parse.h"

namespace lodge {
namespace {

// A directory of the user's that nobody else can enter; not a link to one.
bool is_private(const std::string& path) {
  struct stat st;
  return lstat(path.c_str(), &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == geteuid() &&
         (st.st_mode & 077) == 0;
}

bool answers(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return false;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  FileDescriptor fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  // What is refused has nobody behind it; anything else (a full backlog) has.
  return connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 ||
         errno != ECONNREFUSED;
}

}  // namespace

std::string control_directory(MakeDirectory make) {
  std::vector<std::string> candidates;
  if (const char* runtime = std::getenv("XDG_RUNTIME_DIR"); runtime && runtime[0] == '/')
    candidates.push_back(std::string(runtime) + "/lodge");
  candidates.push_back("/tmp/lodge-" + std::to_string(geteuid()));
  for (const std::string& path : candidates) {
    if (make == MakeDirectory::kYes) mkdir(path.c_str(), 0700);
    if (is_private(path)) return path;
  }
  return {};
}

std::string control_path(const std::string& directory, pid_t pid) {
  return directory + "/" + std::to_string(pid) + ".sock";
}

std::vector<pid_t> running_vpses(const std::string& directory) {
  std::vector<pid_t> found;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(directory, error)) {
    std::string name = entry.path().filename();
    if (!name.ends_with(".sock")) continue;
    std::optional<uint64_t> pid = parse_number(name.substr(0, name.size() - 5), INT32_MAX);
    if (!pid) continue;
    if (answers(entry.path()))
      found.push_back(static_cast<pid_t>(*pid));
    else if (kill(static_cast<pid_t>(*pid), 0) != 0 && errno == ESRCH)
      unlink(entry.path().c_str());
  }
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace lodge
