#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace freshet::policy {

// Never a root, nor anything below them.
inline constexpr std::string_view kKernelPlaces[] = {"/proc", "/sys", "/dev"};

// Directories that a system needs whole, or that hold many different things: a root only with the operator's word.
inline constexpr std::string_view kSystemPlaces[] = {
    "/bin",     "/boot",     "/etc",      "/home",      "/lib",        "/lib32",    "/lib64",    "/libx32",
    "/media",   "/mnt",      "/opt",      "/root",      "/run",        "/sbin",     "/srv",      "/usr",
    "/usr/bin", "/usr/lib",  "/usr/sbin", "/usr/share", "/usr/libexec", "/usr/local", "/var",     "/var/lib"};

// Home directories in the text of a passwd file: those of root and of people (uid 1000 up to, not including, 65534).
std::vector<std::string> homes_in_passwd(std::string_view text);

}  // namespace freshet::policy
