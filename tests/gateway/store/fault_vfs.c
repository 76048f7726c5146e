/* fault_vfs.c: a shim over SQLite's default VFS, and over its allocator. */
#include "fault_vfs.h"

#include <sqlite3.h>
#include <string.h>

struct shim_file {
	sqlite3_file base;
	bool has_failed; /* a sync */
	sqlite3_file *real; /* the memory behind this struct */
};

static sqlite3_vfs shim;
static sqlite3_vfs *real_vfs;
static sqlite3_io_methods methods;
static sqlite3_mem_methods real_mem;
static enum fault_kind kind_now;
static unsigned left;
static bool has_struck;
static unsigned n_repeated;

static bool is_meant(enum fault_kind kind)
{
	static const unsigned also[] = {
		[FAULT_READONLY] = 1u << FAULT_FULL,
		[FAULT_CHANGES] = 1u << FAULT_WRITE | 1u << FAULT_SYNC | 1u << FAULT_TRUNCATE,
		[FAULT_ALL] = 1u << FAULT_WRITE | 1u << FAULT_SYNC | 1u << FAULT_TRUNCATE | 1u << FAULT_READ |
			      1u << FAULT_OPEN | 1u << FAULT_SHM,
	};

	return kind == kind_now || (kind_now >= FAULT_READONLY && (also[kind_now] & 1u << kind));
}

static bool strikes(enum fault_kind kind)
{
	if (!is_meant(kind))
		return false;
	if (left > 1) {
		left--;
		return false;
	}
	has_struck = true;
	return true;
}

static sqlite3_file *real_of(sqlite3_file *file)
{
	return ((struct shim_file *)(void *)file)->real;
}

static int shim_close(sqlite3_file *file)
{
	return real_of(file)->pMethods->xClose(real_of(file));
}

static int shim_read(sqlite3_file *file, void *out, int n, sqlite3_int64 at)
{
	return strikes(FAULT_READ) ? SQLITE_IOERR_READ
				   : real_of(file)->pMethods->xRead(real_of(file), out, n, at);
}

static int shim_write(sqlite3_file *file, const void *bytes, int n, sqlite3_int64 at)
{
	if (strikes(FAULT_FULL))
		return kind_now == FAULT_READONLY ? SQLITE_READONLY : SQLITE_FULL;
	if (strikes(FAULT_WRITE)) {
		(void)real_of(file)->pMethods->xWrite(real_of(file), bytes, n / 2, at); /* torn */
		return SQLITE_IOERR_WRITE;
	}
	return real_of(file)->pMethods->xWrite(real_of(file), bytes, n, at);
}

static int shim_truncate(sqlite3_file *file, sqlite3_int64 size)
{
	return strikes(FAULT_TRUNCATE) ? SQLITE_IOERR_TRUNCATE
				       : real_of(file)->pMethods->xTruncate(real_of(file), size);
}

static int shim_sync(sqlite3_file *file, int flags)
{
	struct shim_file *shim_of = (struct shim_file *)(void *)file;

	n_repeated += shim_of->has_failed;
	if (strikes(FAULT_SYNC)) {
		shim_of->has_failed = true;
		return SQLITE_IOERR_FSYNC;
	}
	return real_of(file)->pMethods->xSync(real_of(file), flags);
}

static int shim_size(sqlite3_file *file, sqlite3_int64 *size)
{
	return real_of(file)->pMethods->xFileSize(real_of(file), size);
}

static int shim_lock(sqlite3_file *file, int level)
{
	return real_of(file)->pMethods->xLock(real_of(file), level);
}

static int shim_unlock(sqlite3_file *file, int level)
{
	return real_of(file)->pMethods->xUnlock(real_of(file), level);
}

static int shim_reserved(sqlite3_file *file, int *out)
{
	return real_of(file)->pMethods->xCheckReservedLock(real_of(file), out);
}

static int shim_control(sqlite3_file *file, int op, void *arg)
{
	return real_of(file)->pMethods->xFileControl(real_of(file), op, arg);
}

static int shim_sector(sqlite3_file *file)
{
	return real_of(file)->pMethods->xSectorSize(real_of(file));
}

static int shim_traits(sqlite3_file *file)
{
	return real_of(file)->pMethods->xDeviceCharacteristics(real_of(file));
}

static int shim_map(sqlite3_file *file, int page, int size, int extend, void volatile **out)
{
	return strikes(FAULT_SHM) ? SQLITE_IOERR_SHMSIZE
				  : real_of(file)->pMethods->xShmMap(real_of(file), page, size, extend, out);
}

static int shim_shm_lock(sqlite3_file *file, int offset, int n, int flags)
{
	return real_of(file)->pMethods->xShmLock(real_of(file), offset, n, flags);
}

static void shim_barrier(sqlite3_file *file)
{
	real_of(file)->pMethods->xShmBarrier(real_of(file));
}

static int shim_unmap(sqlite3_file *file, int is_delete)
{
	return real_of(file)->pMethods->xShmUnmap(real_of(file), is_delete);
}

static int shim_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
		     int *out_flags)
{
	struct shim_file *made = (struct shim_file *)(void *)file;
	int rc;

	(void)vfs;
	made->base.pMethods = NULL;
	made->has_failed = false;
	made->real = (sqlite3_file *)(void *)(made + 1);
	if (strikes(FAULT_OPEN))
		return SQLITE_CANTOPEN;
	rc = real_vfs->xOpen(real_vfs, name, made->real, flags, out_flags);
	if (rc == SQLITE_OK)
		made->base.pMethods = &methods;
	return rc;
}

static void *failing_malloc(int n)
{
	return strikes(FAULT_MALLOC) ? NULL : real_mem.xMalloc(n);
}

static void *failing_realloc(void *old, int n)
{
	return strikes(FAULT_MALLOC) ? NULL : real_mem.xRealloc(old, n);
}

void fault_install(void)
{
	sqlite3_mem_methods mem;

	sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real_mem);
	mem = real_mem;
	mem.xMalloc = failing_malloc;
	mem.xRealloc = failing_realloc;
	sqlite3_config(SQLITE_CONFIG_MALLOC, &mem);
	sqlite3_initialize();
	real_vfs = sqlite3_vfs_find(NULL);
	shim = *real_vfs;
	shim.zName = "fault";
	shim.szOsFile = (int)sizeof(struct shim_file) + real_vfs->szOsFile;
	shim.xOpen = shim_open;
	methods = (sqlite3_io_methods){
		.iVersion = 2,
		.xClose = shim_close,
		.xRead = shim_read,
		.xWrite = shim_write,
		.xTruncate = shim_truncate,
		.xSync = shim_sync,
		.xFileSize = shim_size,
		.xLock = shim_lock,
		.xUnlock = shim_unlock,
		.xCheckReservedLock = shim_reserved,
		.xFileControl = shim_control,
		.xSectorSize = shim_sector,
		.xDeviceCharacteristics = shim_traits,
		.xShmMap = shim_map,
		.xShmLock = shim_shm_lock,
		.xShmBarrier = shim_barrier,
		.xShmUnmap = shim_unmap,
	};
	sqlite3_vfs_register(&shim, 1);
}

void fault_on(enum fault_kind kind, unsigned n)
{
	kind_now = kind;
	left = n;
	has_struck = false;
	n_repeated = 0;
}

unsigned fault_syncs_repeated(void)
{
	return n_repeated;
}

bool fault_off(void)
{
	kind_now = FAULT_NONE;
	return has_struck;
}
