// /proc/PID/net.
#pragma once
#include "vfs/pseudo/node.h"

namespace lodge {

extern const PseudoNode kNetDir;

}  // namespace lodge
