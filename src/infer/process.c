/* How OpenMP's threads wait: settled when the process is loaded, so settled by loading it once more.
 *
 * libgomp's threads spin at the end of every layer, for milliseconds, until the last of them is done. That is fastest
 * while every thread has a core for itself. Where another process wants a core too, the one awaited is not running, and
 * the others spin its time away: on two cores with two such processes, runs of 5 ms took 200 to 400. A short spin and
 * then sleep is as fast on a free machine and keeps 10 ms there. libgomp reads the variable in its constructor, before
 * main, and has no call for it. */
#include <stdlib.h>
#include <unistd.h>

#include "infer/infer.h"

void infer_process_start(char **argv)
{
    if (getenv("GOMP_SPINCOUNT") || getenv("OMP_WAIT_POLICY"))
        return;
    if (setenv("GOMP_SPINCOUNT", "1000", 1) == 0)
        execv("/proc/self/exe", argv); /* returns only where it fails: then things go on as they are, only slower */
}
