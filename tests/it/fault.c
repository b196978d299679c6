/* A disk that fails when it is told to, in place of libc's functions: while the file named by
   FAULT_FLUSH is there, flushes of the journal fail, and while that of FAULT_WRITE is, writes. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static int fails(int file, const char *variable) {
  const char *flag = getenv(variable);
  char link[64], path[4096];
  if (!flag || access(flag, F_OK) != 0) return 0;
  snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 0) return 0;
  path[length] = 0;
  return strstr(path, "rolecall.db") != NULL;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define FAILS(file, variable) if (fails(file, variable)) { errno = EIO; return -1; }

int fsync(int file) {
  FAILS(file, "FAULT_FLUSH")
  return REAL(fsync)(file);
}

int fdatasync(int file) {
  FAILS(file, "FAULT_FLUSH")
  return REAL(fdatasync)(file);
}

ssize_t write(int file, const void *bytes, size_t count) {
  FAILS(file, "FAULT_WRITE")
  return REAL(write)(file, bytes, count);
}

ssize_t pwrite(int file, const void *bytes, size_t count, off_t at) {
  FAILS(file, "FAULT_WRITE")
  return REAL(pwrite)(file, bytes, count, at);
}

ssize_t pwrite64(int file, const void *bytes, size_t count, off64_t at) {
  FAILS(file, "FAULT_WRITE")
  return REAL(pwrite64)(file, bytes, count, at);
}
