// Where the control sockets of a user's running VPSs are: a directory that only the user can enter, one
// socket PID.sock per `lodge run`. $XDG_RUNTIME_DIR/lodge, or /tmp/lodge-UID.
#pragma once
#include <sys/types.h>

#include <string>
#include <vector>

namespace lodge {

// Empty if there is none that is ours alone; `make`: make it first.
enum class MakeDirectory : bool { kNo, kYes };
std::string control_directory(MakeDirectory make);
std::string control_path(const std::string& directory, pid_t pid);
// Of those that run; sockets whose lodge has died are removed.
std::vector<pid_t> running_vpses(const std::string& directory);

}  // namespace lodge
