/* What a child process reads from its control descriptor, a byte each; end of file (the supervisor is gone) counts as
 * CONTROL_STOP. */
#ifndef OBSCURA_BASE_CONTROL_H
#define OBSCURA_BASE_CONTROL_H

enum control {
    CONTROL_DRAIN = 'd',  /* take no more work; what runs goes on */
    CONTROL_STOP = 's',   /* end now, in order */
    CONTROL_RETIRE = 'r', /* a successor is about to take over: begin nothing new, end once what runs is over */
};

#endif
