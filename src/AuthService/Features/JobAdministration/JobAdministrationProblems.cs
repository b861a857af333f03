namespace AuthService.Features.JobAdministration;

internal static class JobAdministrationProblems
{
    public static readonly Problem ExactlyOne = new("jobs.exactly_one", 400, "Say exactly one of requeue, requeue_kind, discard, run.");
    public static readonly Problem StateNotKnown = new("jobs.state_not_known", 400, "state is one of waiting, scheduled, succeeded, dead.");
    public static readonly Problem NotDead = new("jobs.not_dead", 404, "There is no dead letter with this id.");
    public static readonly Problem KeyTaken = new("jobs.key_taken", 409, "Another job with the same unique key has not ended yet.");
    public static readonly Problem RecurringNotFound = new("jobs.recurring_not_found", 404, "There is no recurring job of this name.");
}
