/* Lets the shared library run with glibc 2.28 and later though it is linked with a newer one: only
 * libstator_runtime.so has this file. tools/check_links.sh asserts the result.
 *
 * A symbol that moved or appeared after 2.28 is defined here, for the library alone, over what 2.28
 * has. Until 2.34 the pthread functions lay in libpthread.so.0, which the library needs by name for
 * that reason. */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#if defined(__x86_64__)
#define FIRST_VERSION "GLIBC_2.2.5"
#define STAT_VERSION 1
#elif defined(__aarch64__)
#define FIRST_VERSION "GLIBC_2.17"
#define STAT_VERSION 0
#endif

/* The version script alone would not do: glibc gives these names versions of their own. */
#define HIDDEN __attribute__((visibility("hidden")))

/* Declares old_NAME, the function that glibc has had from the start. */
#define OLD(type, name, parameters) \
  type old_##name parameters;       \
  __asm__(".symver old_" #name ", " #name "@" FIRST_VERSION)

OLD(int, pthread_create,
    (pthread_t * thread, const pthread_attr_t* attributes, void* (*start)(void*), void* argument));
HIDDEN int pthread_create(pthread_t* thread, const pthread_attr_t* attributes,
                          void* (*start)(void*), void* argument) {
  return old_pthread_create(thread, attributes, start, argument);
}

OLD(int, pthread_join, (pthread_t thread, void** result));
HIDDEN int pthread_join(pthread_t thread, void** result) {
  return old_pthread_join(thread, result);
}

OLD(int, pthread_detach, (pthread_t thread));
HIDDEN int pthread_detach(pthread_t thread) { return old_pthread_detach(thread); }

OLD(int, pthread_sigmask, (int how, const sigset_t* set, sigset_t* before));
HIDDEN int pthread_sigmask(int how, const sigset_t* set, sigset_t* before) {
  return old_pthread_sigmask(how, set, before);
}

OLD(int, pthread_once, (pthread_once_t * once, void (*function)(void)));
HIDDEN int pthread_once(pthread_once_t* once, void (*function)(void)) {
  return old_pthread_once(once, function);
}

OLD(int, pthread_key_create, (pthread_key_t * key, void (*destructor)(void*)));
HIDDEN int pthread_key_create(pthread_key_t* key, void (*destructor)(void*)) {
  return old_pthread_key_create(key, destructor);
}
HIDDEN int __pthread_key_create(pthread_key_t* key, void (*destructor)(void*)) {
  return old_pthread_key_create(key, destructor);
}

OLD(int, pthread_key_delete, (pthread_key_t key));
HIDDEN int pthread_key_delete(pthread_key_t key) { return old_pthread_key_delete(key); }

OLD(void*, pthread_getspecific, (pthread_key_t key));
HIDDEN void* pthread_getspecific(pthread_key_t key) { return old_pthread_getspecific(key); }

OLD(int, pthread_setspecific, (pthread_key_t key, const void* value));
HIDDEN int pthread_setspecific(pthread_key_t key, const void* value) {
  return old_pthread_setspecific(key, value);
}

OLD(int, __fxstat, (int version, int fd, struct stat* info));
HIDDEN int fstat(int fd, struct stat* info) { return old___fxstat(STAT_VERSION, fd, info); }

/* Reference counts are atomic even in a program of one thread. */
HIDDEN char __libc_single_threaded = 0;

/* Of std::random_device, which comes along unused. */
HIDDEN unsigned arc4random(void) {
  unsigned value = 0;
  if (getentropy(&value, sizeof(value)) != 0) __builtin_trap();
  return value;
}

/* Asked only when C++ code in the library throws, which is out of memory in a small allocation: no
 * handler is found, the program ends. */
struct dl_find_object;
HIDDEN int _dl_find_object(void* address, struct dl_find_object* result) {
  (void)address;
  (void)result;
  return -1;
}

/* The static C++ library keeps memory for exceptions that are out of memory: with dlclose it goes. */
extern void _ZN9__gnu_cxx9__freeresEv(void);
__attribute__((destructor)) static void FreeReserve(void) { _ZN9__gnu_cxx9__freeresEv(); }
