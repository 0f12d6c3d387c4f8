/*
 * Disk faults for tests: with LD_PRELOAD, operations on files below OPENBELL_FAULT_DIR fail or are slow on demand.
 * The orders are in a file that is mapped into the process, OPENBELL_FAULT_CONTROL; the test writes it at any time.
 * See disk-faults.ts, which builds this file and documents the words.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { OP_WRITE = 1, OP_SYNC = 2, OP_RENAME = 4, OP_OPEN = 8, OP_TRUNCATE = 16, OP_READ = 32, OP_UNLINK = 64 };
enum { MODE_NONE = 0, MODE_ERROR = 1, MODE_SHORT = 2, MODE_SLOW = 3 };

struct control {
  _Atomic int32_t mode;
  /* Mask of the operations. */
  _Atomic int32_t operations;
  /* Operations that still pass before the first fault. */
  _Atomic int32_t skip;
  /* Faults that are left; negative = without end. */
  _Atomic int32_t left;
  _Atomic int32_t error;
  _Atomic int32_t delay_ms;
  /* Faults so far. */
  _Atomic int32_t injected;
  /* Operations that were looked at, also without a fault. */
  _Atomic int32_t seen;
  /* Only paths that contain this text; empty = all. */
  char only[96];
};

static struct control *control;
static char directory[PATH_MAX];
static size_t directory_length;

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

__attribute__((constructor)) static void begin(void) {
  const char *dir = getenv("OPENBELL_FAULT_DIR");
  const char *path = getenv("OPENBELL_FAULT_CONTROL");
  if (dir == NULL || path == NULL || strlen(dir) >= sizeof directory) return;
  strcpy(directory, dir);
  directory_length = strlen(dir);
  int fd = REAL(open)(path, O_RDWR | O_CLOEXEC);
  if (fd == -1) return;
  void *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  if (memory != MAP_FAILED) control = memory;
}

static int below(const char *path) {
  if (strncmp(path, directory, directory_length) != 0 || path[directory_length] != '/') return 0;
  return control->only[0] == 0 || strstr(path, control->only) != NULL;
}

static int descriptor_below(int fd) {
  char link[32], path[PATH_MAX];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length <= 0) return 0;
  path[length] = 0;
  return below(path);
}

/* The mode of the fault that this operation gets. */
static int decide(int operation) {
  int mode = control->mode;
  if (mode == MODE_NONE || (control->operations & operation) == 0) return MODE_NONE;
  atomic_fetch_add(&control->seen, 1);
  if (control->skip > 0 && atomic_fetch_sub(&control->skip, 1) > 0) return MODE_NONE;
  if (control->left == 0) return MODE_NONE;
  if (control->left > 0 && atomic_fetch_sub(&control->left, 1) <= 0) {
    control->left = 0;
    return MODE_NONE;
  }
  atomic_fetch_add(&control->injected, 1);
  return mode;
}

/* True if the operation fails, with errno set. A slow one has waited. */
static int fails(int mode) {
  if (mode == MODE_ERROR) {
    errno = control->error;
    return 1;
  }
  if (mode == MODE_SLOW) {
    struct timespec wait = {control->delay_ms / 1000, (control->delay_ms % 1000) * 1000000L};
    nanosleep(&wait, NULL);
  }
  return 0;
}

#define FAULT_FD(operation, fd) (control != NULL && descriptor_below(fd) ? decide(operation) : MODE_NONE)
#define FAULT_PATH(operation, path) (control != NULL && below(path) ? decide(operation) : MODE_NONE)

#define SHORTER(mode, length) ((mode) == MODE_SHORT && (length) > 1 ? (length) / 2 : (length))

ssize_t write(int fd, const void *bytes, size_t length) {
  int mode = FAULT_FD(OP_WRITE, fd);
  if (fails(mode)) return -1;
  return REAL(write)(fd, bytes, SHORTER(mode, length));
}

#define PWRITE(name, offset_type)                                              \
  ssize_t name(int fd, const void *bytes, size_t length, offset_type offset) { \
    int mode = FAULT_FD(OP_WRITE, fd);                                         \
    if (fails(mode)) return -1;                                                \
    return REAL(name)(fd, bytes, SHORTER(mode, length), offset);               \
  }
PWRITE(pwrite, off_t)
PWRITE(pwrite64, off64_t)

/* A short vectored write ends inside the first buffer. */
static struct iovec half(const struct iovec *buffers) {
  struct iovec first = buffers[0];
  if (first.iov_len > 1) first.iov_len /= 2;
  return first;
}

ssize_t writev(int fd, const struct iovec *buffers, int count) {
  int mode = FAULT_FD(OP_WRITE, fd);
  if (fails(mode)) return -1;
  if (mode != MODE_SHORT) return REAL(writev)(fd, buffers, count);
  struct iovec first = half(buffers);
  return REAL(writev)(fd, &first, 1);
}

#define PWRITEV(name, offset_type)                                                 \
  ssize_t name(int fd, const struct iovec *buffers, int count, offset_type offset) { \
    int mode = FAULT_FD(OP_WRITE, fd);                                             \
    if (fails(mode)) return -1;                                                    \
    if (mode != MODE_SHORT) return REAL(name)(fd, buffers, count, offset);         \
    struct iovec first = half(buffers);                                            \
    return REAL(name)(fd, &first, 1, offset);                                      \
  }
PWRITEV(pwritev, off_t)
PWRITEV(pwritev64, off64_t)

#define PREAD(name, offset_type)                                         \
  ssize_t name(int fd, void *bytes, size_t length, offset_type offset) { \
    int mode = FAULT_FD(OP_READ, fd);                                    \
    if (fails(mode)) return -1;                                          \
    return REAL(name)(fd, bytes, SHORTER(mode, length), offset);         \
  }
PREAD(pread, off_t)
PREAD(pread64, off64_t)

#define SYNC(name)                          \
  int name(int fd) {                        \
    int mode = FAULT_FD(OP_SYNC, fd);       \
    if (fails(mode)) return -1;             \
    return REAL(name)(fd);                  \
  }
SYNC(fsync)
SYNC(fdatasync)

int rename(const char *from, const char *to) {
  if (fails(FAULT_PATH(OP_RENAME, to))) return -1;
  return REAL(rename)(from, to);
}

int unlink(const char *path) {
  if (fails(FAULT_PATH(OP_UNLINK, path))) return -1;
  return REAL(unlink)(path);
}

#define TRUNCATE(name, offset_type)           \
  int name(int fd, offset_type length) {      \
    int mode = FAULT_FD(OP_TRUNCATE, fd);     \
    if (fails(mode)) return -1;               \
    return REAL(name)(fd, length);            \
  }
TRUNCATE(ftruncate, off_t)
TRUNCATE(ftruncate64, off64_t)

/* A full disk has no room. The directory itself counts, whatever the control file says about paths. */
#define STATFS(name, type)                                                                        \
  int name(const char *path, struct type *out) {                                                  \
    int result = REAL(name)(path, out);                                                           \
    int ours = control != NULL && strncmp(path, directory, directory_length) == 0;                \
    if (result == 0 && ours && control->error == ENOSPC && decide(OP_WRITE) == MODE_ERROR) {      \
      out->f_bavail = 0;                                                                          \
    }                                                                                             \
    return result;                                                                                \
  }
STATFS(statfs, statfs)
STATFS(statfs64, statfs64)

/* Only opening for writing. */
#define OPEN(name)                                                                        \
  int name(const char *path, int flags, ...) {                                            \
    mode_t permissions = 0;                                                               \
    if (flags & (O_CREAT | O_TMPFILE)) {                                                  \
      va_list rest;                                                                       \
      va_start(rest, flags);                                                              \
      permissions = va_arg(rest, mode_t);                                                 \
      va_end(rest);                                                                       \
    }                                                                                     \
    if ((flags & O_ACCMODE) != O_RDONLY && fails(FAULT_PATH(OP_OPEN, path))) return -1;   \
    return REAL(name)(path, flags, permissions);                                          \
  }
OPEN(open)
OPEN(open64)
