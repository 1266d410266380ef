// Counting the system calls that we lack, for the line that `lodge run` ends with.
#pragma once

namespace lodge {
void note_missing(unsigned number);
}
