/* For linux.uml, by LD_PRELOAD: a processor may have more state than its kernel (6.1) has room for, AMX above all, and
 * this host's refuses what is not all of it. What is missing is as it was: nothing in the machine can have used it.
 */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <elf.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/types.h>
#include <sys/uio.h>

/* Not on the stack: a task's has no room for it. There is one processor, and no task leaves it in here. */
static unsigned char whole[65536] __attribute__((aligned(64)));

long ptrace(enum __ptrace_request request, ...)
{
	static long (*of_libc)(enum __ptrace_request, ...);
	va_list words;

	va_start(words, request);
	pid_t pid = va_arg(words, pid_t);
	void *which = va_arg(words, void *);
	void *data = va_arg(words, void *);
	va_end(words);

	if (!of_libc)
		*(void **)&of_libc = dlsym(RTLD_NEXT, "ptrace");
	if (request == PTRACE_SETREGSET && which == (void *)NT_X86_XSTATE) {
		struct iovec *part = data, all = { whole, sizeof(whole) };

		if (of_libc(PTRACE_GETREGSET, pid, which, &all) == -1)
			return -1;
		if (part->iov_len < all.iov_len) {
			memcpy(whole, part->iov_base, part->iov_len);
			return of_libc(request, pid, which, &all);
		}
	}
	return of_libc(request, pid, which, data);
}
