// C interface to c10d as it is inside libtorch. Tensors are `at::Tensor*`. Nothing throws: functions
// that can fail return null or a negative number, and group_error() says why, for each thread.
#pragma once

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct group_store group_store;
typedef struct group_group group_group;

const char* group_error(void);

// Before anything else: only fatal errors of c10d are logged from now on, all others are returned,
// and no record of past collectives is kept. What the environment says goes first.
void group_prepare(void);

// A store of keys and values. With `listen` this process is its server, and port 0 takes a free
// one. A client connects, and group_store_get waits, at most `timeout_ms`.
group_store* group_store_tcp(const char* host, uint16_t port, int listen, int64_t timeout_ms);
int group_store_set(group_store*, const char* key, const uint8_t* bytes, uint64_t length);
// The length of the value, of which at most `room` bytes are copied.
int64_t group_store_get(group_store*, const char* key, uint8_t* bytes, uint64_t room);
// Whether somebody has set it: 0 or 1. Doesn't wait.
int group_store_has(group_store*, const char* key);
uint16_t group_store_port(group_store*);
void group_store_free(group_store*);

// `size` processes that find each other through keys of `store`. `address` is what others reach
// this one by; null takes GLOO_SOCKET_IFNAME's.
group_group* group_gloo(
    group_store*, int rank, int size, int64_t timeout_ms, const char* address);
// Whether libtorch has NCCL, else negative with group_error().
int group_nccl_loaded(void);
// The same over NCCL.
group_group* group_nccl(group_store*, int rank, int size, int64_t timeout_ms);
void group_free(group_group*);

// Collectives. Each waits for its end; on a GPU the current stream does.
int group_all_reduce(group_group*, void* tensor);
int group_broadcast(group_group*, void* tensor, int root);
// `out` is flat and has size times the elements of `in`, rank after rank.
int group_all_gather(group_group*, void* out, void* in);
// Waits for all; rank 0 names in the error those that did not come in time.
int group_barrier(group_group*, int64_t timeout_ms);

// Batch normalization over the images of all ranks: `x` [n, c, ...] -> a new tensor like `x`.
// `stats` [2c + 1] receives means, population variances and the number of values of a channel. A
// failed collective is kept in the group, and the result is that of this rank alone.
void* group_sync_batch_norm(
    group_group*, void* x, void* weight, void* bias, void* stats, double epsilon);
// Whether a collective of group_sync_batch_norm failed, with group_error().
int group_failed(group_group*);

#ifdef __cplusplus
}
#endif
