// Gives up what a process that talks to strangers does not need.
#pragma once

namespace tocsin::agent {

// From here on this process opens no file and starts no program, on a kernel with Landlock (5.13);
// what it has open stays. False where the kernel cannot do that.
bool give_up_files();

}  // namespace tocsin::agent
