using AuthService.Features.Email;
using AuthService.Http;
using AuthService.Jobs;
using AuthService.Throttling;
using Npgsql;

namespace AuthService.Features.Authentication;

/// <summary>Has a mail sent to whoever asks for one. One statement, and no look at accounts: so the answer can't tell which there are, not even by its time.</summary>
internal sealed class RequestAccountMail(NpgsqlDataSource db, JobQueue queue, AccountMails mails, RateLimits limits)
{
    /// <param name="occasion">Of <see cref="MailOccasions"/>.</param>
    public async Task<Problem?> ExecuteAsync(string occasion, string email, Caller caller, CancellationToken ct)
    {
        var (tally, over) = await limits.CountAsync(limits.MailRequests, caller);
        if (over is not null) return over;
        await queue.EnqueueAsync(db, mails.ToAddress(occasion, email, caller), ct);
        RateLimits.Tell(caller, (limits.MailRequests, tally));
        return null;
    }
}
