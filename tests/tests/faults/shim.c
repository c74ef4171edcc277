// Preloaded before libc: counts the system calls on files below folders, and at one of them fails,
// ends the process, or runs another command first.
//
// FAULT_UNDER    the folder, absolute; several are separated by colons
// FAULT_LOG      a file to which the name of each call is appended
// FAULT_AT       the number of the call, from 1
// FAULT_ERRNO    the error that it fails with once
// FAULT_KILL     set: the process ends there by SIGKILL
// FAULT_COMMAND  a command for the shell that runs before the call
// FAULT_THREADS  the number of threads that can be started; none can afterwards
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static atomic_long calls;
static _Thread_local int busy;

static int below(const char *path) {
    const char *under = getenv("FAULT_UNDER");
    char whole[8192];
    if (!under || !path) return 0;
    if (path[0] != '/') {
        char here[4096];
        if (!getcwd(here, sizeof here)) return 0;
        snprintf(whole, sizeof whole, "%s/%s", here, path);
        path = whole;
    }
    for (;;) {
        size_t length = strcspn(under, ":");
        if (strncmp(path, under, length) == 0 && (path[length] == 0 || path[length] == '/')) return 1;
        if (under[length] == 0) return 0;
        under += length + 1;
    }
}

// Whether the call is to fail; errno is set then.
static int fault(const char *name, const char *path) {
    if (busy || !below(path)) return 0;
    busy = 1;
    long number = atomic_fetch_add(&calls, 1) + 1;
    const char *log = getenv("FAULT_LOG"), *at = getenv("FAULT_AT");
    if (log) {
        int file = syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_APPEND | O_CREAT, 0644);
        char line[128];
        int length = snprintf(line, sizeof line, "%s\n", name);
        if (file >= 0) {
            if (syscall(SYS_write, file, line, length)) {}
            syscall(SYS_close, file);
        }
    }
    int fails = 0;
    if (at && atol(at) == number) {
        if (getenv("FAULT_KILL")) kill(getpid(), SIGKILL);
        if (getenv("FAULT_COMMAND") && system(getenv("FAULT_COMMAND"))) {}
        if (getenv("FAULT_ERRNO")) {
            errno = atoi(getenv("FAULT_ERRNO"));
            fails = 1;
        }
    }
    busy = 0;
    return fails;
}

static int fault_of(const char *name, int file) {
    if (busy || !getenv("FAULT_UNDER")) return 0;
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return fault(name, path);
}

#define OPEN(name)                                                                 \
    int name(const char *path, int flags, ...) {                                   \
        va_list more;                                                              \
        va_start(more, flags);                                                     \
        int mode = va_arg(more, int);                                              \
        va_end(more);                                                              \
        if (fault(flags & O_CREAT ? "create" : "open", path)) return -1;           \
        return syscall(SYS_openat, AT_FDCWD, path, flags, mode);                   \
    }
OPEN(open)
OPEN(open64)

ssize_t read(int file, void *to, size_t count) {
    if (fault_of("read", file)) return -1;
    return syscall(SYS_read, file, to, count);
}
ssize_t write(int file, const void *from, size_t count) {
    if (fault_of("write", file)) return -1;
    return syscall(SYS_write, file, from, count);
}
int fsync(int file) { return fault_of("fsync", file) ? -1 : syscall(SYS_fsync, file); }
int fdatasync(int file) { return fault_of("fdatasync", file) ? -1 : syscall(SYS_fdatasync, file); }
int flock(int file, int how) { return fault_of("flock", file) ? -1 : syscall(SYS_flock, file, how); }
int rename(const char *from, const char *to) {
    return fault("rename", to) ? -1 : syscall(SYS_rename, from, to);
}
int unlink(const char *path) { return fault("unlink", path) ? -1 : syscall(SYS_unlink, path); }
int rmdir(const char *path) { return fault("rmdir", path) ? -1 : syscall(SYS_rmdir, path); }
int mkdir(const char *path, mode_t mode) {
    return fault("mkdir", path) ? -1 : syscall(SYS_mkdir, path, mode);
}
DIR *opendir(const char *path) {
    if (fault("opendir", path)) return NULL;
    DIR *(*next)(const char *) = dlsym(RTLD_NEXT, "opendir");
    busy = 1;
    DIR *folder = next(path);
    busy = 0;
    return folder;
}
struct dirent64 *readdir64(DIR *folder) {
    if (fault_of("readdir", dirfd(folder))) return NULL;
    struct dirent64 *(*next)(DIR *) = dlsym(RTLD_NEXT, "readdir64");
    return next(folder);
}
int statx(int folder, const char *path, int flags, unsigned mask, struct statx *to) {
    // Of an open file by an empty path; without a path it is asked whether there is this call.
    const char *volatile given = path;
    int fails = !given ? 0 : *path ? fault("stat", path) : fault_of("stat", folder);
    return fails ? -1 : syscall(SYS_statx, folder, path, flags, mask, to);
}
#define MMAP(name, offset_type)                                                              \
    void *name(void *at, size_t length, int access, int flags, int file, offset_type from) { \
        if (file >= 0 && fault_of("mmap", file)) return MAP_FAILED;                          \
        return (void *)syscall(SYS_mmap, at, length, access, flags, file, from);             \
    }
MMAP(mmap, off_t)
MMAP(mmap64, off64_t)
int pthread_create(pthread_t *thread, const pthread_attr_t *how, void *(*body)(void *), void *with) {
    static atomic_long started;
    typedef int Create(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
    const char *most = getenv("FAULT_THREADS");
    if (most && atomic_fetch_add(&started, 1) >= atol(most)) return EAGAIN;
    return ((Create *)dlsym(RTLD_NEXT, "pthread_create"))(thread, how, body, with);
}
