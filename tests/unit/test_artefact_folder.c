/* Files appear whole or not at all, and a sweep removes exactly what the dead left. */
#include "unit.h"

#include "artefact/artefact.h"
#include "base/uuid.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct fixture {
    char folder[64], input[80], output[80];
    struct artefact_store *store;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct error err;
    strcpy(f->folder, "/tmp/obscura-artefact-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    snprintf(f->input, sizeof f->input, "%s/a/in", f->folder);
    snprintf(f->output, sizeof f->output, "%s/out", f->folder);
    assert_int_equal(artefact_store_open(f->input, f->output, &f->store, &err), 0);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    char command[128];
    artefact_store_close(f->store);
    snprintf(command, sizeof command, "rm -rf %s", f->folder);
    assert_int_equal(system(command), 0);
    free(f);
    return 0;
}

static int count_files(const char *path)
{
    DIR *dir = opendir(path);
    int count = 0;
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir));)
        count += entry->d_type == DT_REG;
    closedir(dir);
    return count;
}

static void store(struct fixture *f, const char *id, enum artefact_kind kind, const char *text)
{
    struct artefact_writer w;
    struct error err;
    assert_int_equal(artefact_create(f->store, id, kind, &w, &err), 0);
    assert_int_equal(write(w.fd, text, strlen(text)), (ssize_t)strlen(text));
    assert_int_equal(artefact_commit(&w, 1, &err), 0);
    artefact_abort(&w);
}

static bool nobody(void *opaque, const char *id, enum artefact_kind kind, int64_t age_s)
{
    return false;
}

static bool is(void *opaque, const char *id, enum artefact_kind kind, int64_t age_s)
{
    assert_in_range(age_s, 0, 60);
    return strcmp(opaque, id) == 0;
}

static void test_a_file_is_there_once_it_is_committed(void **state)
{
    struct fixture *f = *state;
    struct error err;
    struct artefact_writer w;
    char id[UUID_SIZE], read_back[8] = "";
    int fd;
    int64_t size;
    uuid_make(id);
    assert_int_equal(artefact_create(f->store, id, ARTEFACT_RESULT, &w, &err), 0);
    assert_int_equal(write(w.fd, "first", 5), 5);
    assert_int_equal(artefact_open(f->store, id, ARTEFACT_RESULT, &fd, &size, &err), -ENOENT);
    assert_int_equal(artefact_commit(&w, 1, &err), 0);
    store(f, id, ARTEFACT_RESULT, "second");
    assert_int_equal(artefact_open(f->store, id, ARTEFACT_RESULT, &fd, &size, &err), 0);
    assert_int_equal(size, 6);
    assert_int_equal(read(fd, read_back, 8), 6);
    assert_string_equal(read_back, "second");
    close(fd);
    assert_int_equal(count_files(f->output), 1);
    assert_int_equal(artefact_delete_all(f->store, id, &err), 0);
    assert_int_equal(artefact_delete_all(f->store, id, &err), 0);
    assert_int_equal(count_files(f->output), 0);
}

static void test_an_aborted_file_leaves_nothing(void **state)
{
    struct fixture *f = *state;
    struct error err;
    struct artefact_writer w, zero = {0};
    char id[UUID_SIZE];
    uuid_make(id);
    assert_int_equal(artefact_create(f->store, id, ARTEFACT_ORIGINAL, &w, &err), 0);
    artefact_abort(&w);
    artefact_abort(&w);
    artefact_abort(&zero);
    assert_int_equal(count_files(f->input), 0);
}

static void test_two_files_are_committed_together(void **state)
{
    struct fixture *f = *state;
    struct error err;
    struct artefact_writer w[2];
    char id[UUID_SIZE];
    int fd;
    uuid_make(id);
    for (int i = 0; i < 2; i++)
        assert_int_equal(artefact_create(f->store, id, i ? ARTEFACT_RESULT : ARTEFACT_ANONYMISED, &w[i], &err), 0);
    artefact_abort(&w[0]); /* METHOD_DETECT has none */
    assert_int_equal(artefact_commit(w, 2, &err), 0);
    assert_int_equal(count_files(f->output), 1);
    for (int i = 0; i < 2; i++)
        assert_int_equal(artefact_create(f->store, id, i ? ARTEFACT_RESULT : ARTEFACT_ANONYMISED, &w[i], &err), 0);
    assert_int_equal(artefact_commit(w, 2, &err), 0);
    for (enum artefact_kind kind = ARTEFACT_ANONYMISED; kind <= ARTEFACT_RESULT; kind++) {
        assert_int_equal(artefact_open(f->store, id, kind, &fd, NULL, &err), 0);
        close(fd);
    }
    assert_int_equal(count_files(f->output), 2);
}

static void test_a_failed_commit_leaves_no_temporary(void **state)
{
    struct fixture *f = *state;
    struct error err;
    struct artefact_writer w[2];
    char id[UUID_SIZE], path[256];
    uuid_make(id);
    assert_int_equal(artefact_create(f->store, id, ARTEFACT_ANONYMISED, &w[0], &err), 0);
    assert_int_equal(artefact_create(f->store, id, ARTEFACT_RESULT, &w[1], &err), 0);
    snprintf(path, sizeof path, "%s/%s", f->output, w[0].temporary);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(artefact_commit(w, 2, &err), -ENOENT);
    assert_int_equal(count_files(f->output), 0);
}

static void test_ids_cannot_leave_the_folder(void **state)
{
    struct fixture *f = *state;
    struct error err;
    struct artefact_writer w;
    int fd;
    assert_int_equal(artefact_create(f->store, "../../etc/passwd", ARTEFACT_ORIGINAL, &w, &err), -EINVAL);
    assert_int_equal(artefact_open(f->store, "..", ARTEFACT_ORIGINAL, &fd, NULL, &err), -EINVAL);
    assert_int_equal(artefact_delete(f->store, "", ARTEFACT_ORIGINAL, &err), -EINVAL);
}

static void test_a_sweep_spares_the_living(void **state)
{
    struct fixture *f = *state;
    struct error err;
    struct artefact_writer w;
    char kept[UUID_SIZE], orphan[UUID_SIZE], writing[UUID_SIZE], foreign[128];
    uuid_make(kept);
    uuid_make(orphan);
    uuid_make(writing);
    store(f, kept, ARTEFACT_ORIGINAL, "x");
    store(f, orphan, ARTEFACT_ORIGINAL, "x");
    store(f, orphan, ARTEFACT_ANONYMISED, "x");
    assert_int_equal(artefact_create(f->store, writing, ARTEFACT_ANONYMISED, &w, &err), 0);
    snprintf(foreign, sizeof foreign, "%s/holiday.jpg", f->output);
    close(open(foreign, O_CREAT | O_WRONLY, 0600));
    assert_int_equal(artefact_sweep(f->store, is, kept, &err), 2);
    assert_int_equal(count_files(f->input), 1);
    assert_int_equal(count_files(f->output), 2);
    assert_int_equal(artefact_commit(&w, 1, &err), 0);
}

static void test_a_sweep_removes_what_a_killed_writer_left(void **state)
{
    struct fixture *f = *state;
    struct error err;
    char id[UUID_SIZE];
    uuid_make(id);
    pid_t child = fork();
    if (child == 0) {
        struct artefact_writer w;
        _exit(artefact_create(f->store, id, ARTEFACT_ANONYMISED, &w, &err) == 0 ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(count_files(f->output), 1);
    assert_int_equal(artefact_sweep(f->store, nobody, NULL, &err), 1);
    assert_int_equal(count_files(f->output), 0);
}

static void test_the_folder_knows_who_is_alone(void **state)
{
    struct fixture *f = *state;
    struct error err;
    struct artefact_store *other;
    assert_int_equal(artefact_store_open(f->input, f->output, &other, &err), 0);
    assert_int_equal(artefact_store_lock(f->store, 0), 1);
    artefact_store_share(f->store);
    assert_int_equal(artefact_store_lock(other, 0), 0);
    artefact_store_close(other);
    assert_int_equal(artefact_store_lock(f->store, 0), 1);
}

#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

static void test_folders_belong_to_one_task_store(void **state)
{
    struct fixture *f = *state;
    struct error err = {0};
    char mine[UUID_SIZE], other[UUID_SIZE], path[128];
    uuid_make(mine);
    uuid_make(other);
    assert_int_equal(artefact_store_own(f->store, mine, &err), 0);
    assert_int_equal(artefact_store_own(f->store, mine, &err), 0);
    assert_int_equal(artefact_store_own(f->store, other, &err), -EEXIST);
    assert_non_null(strstr(err.text, "another database"));
    snprintf(path, sizeof path, "%s/.task-store", f->input);
    assert_int_equal(truncate(path, 5), 0); /* the power went */
    assert_int_equal(artefact_store_own(f->store, mine, &err), 0);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(artefact_store_own(f->store, other, &err), -EEXIST); /* the other folder is not its own */
    assert_int_equal(artefact_sweep(f->store, nobody, NULL, &err), 0);
    assert_int_equal(count_files(f->output), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STORE(test_a_file_is_there_once_it_is_committed),
        WITH_STORE(test_an_aborted_file_leaves_nothing),
        WITH_STORE(test_two_files_are_committed_together),
        WITH_STORE(test_a_failed_commit_leaves_no_temporary),
        WITH_STORE(test_ids_cannot_leave_the_folder),
        WITH_STORE(test_a_sweep_spares_the_living),
        WITH_STORE(test_a_sweep_removes_what_a_killed_writer_left),
        WITH_STORE(test_the_folder_knows_who_is_alone),
        WITH_STORE(test_folders_belong_to_one_task_store),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
