using System.Globalization;
using AuthService.Database;
using AuthService.Jobs;
using Npgsql;

namespace AuthService.Features.Email;

/// <summary>
/// Writes one mail to the owner of an account. Here, away from the request that asked for it, it is looked up whether there is an account and what state it is in; and here the token of a link is
/// made, stored as a hash, sent and forgotten. A further try makes another one (docs/decisions/0025).
/// </summary>
internal sealed class SendAccountMail(NpgsqlDataSource db, IEmailTransport transport, MailTemplates templates, EmailOptions options) : IJob
{
    public const string JobKind = "account_mail";

    // Two mails may be under way when somebody asks once more; an older link is dead then.
    private const int OlderTokensKept = 2;

    private static readonly SqlFile FindAccount = SqlFile.Beside<SendAccountMail>("find_account");
    private static readonly SqlFile CountMail = SqlFile.Beside<SendAccountMail>("count_mail");
    private static readonly SqlFile MakeToken = SqlFile.Beside<SendAccountMail>("make_token");

    public string Kind => JobKind;

    public async Task<string?> RunAsync(JobRun run, CancellationToken ct)
    {
        var arguments = run.Read(MailJson.Default.MailArguments);
        if (await FindAsync(arguments, ct) is not { } account || MailFor(arguments.Occasion, account) is not { } mail) return "nothing to send";
        // Counted once, not with every try: a server that is down does not use up what an account may be sent.
        if (run.Try == 1 && !await MayBeSentAsync(account, mail, ct)) return $"{mail} not sent: the account has been sent as many as it may be in an hour";

        var values = Values(arguments, account);
        if (PurposeOf(mail) is { } purpose) values["link"] = await LinkAsync(account, purpose, ct);
        var (subject, text, html) = templates.Of(mail, arguments.Language).Fill(values);
        await transport.SendAsync(new OutgoingMail(run.Id, account.Email, subject, text, html), ct);
        return $"{mail} sent";
    }

    private static string? MailFor(string occasion, Account account) => occasion switch
    {
        MailOccasions.Registration => account.EmailVerified ? MailNames.AccountExists : MailNames.VerifyEmail,
        MailOccasions.Verification => account.EmailVerified ? null : MailNames.VerifyEmail,
        MailOccasions.ForgottenPassword => MailNames.ResetPassword,
        MailOccasions.PasswordChanged => MailNames.PasswordChanged,
        MailOccasions.NewDevice => MailNames.NewDevice,
        _ => throw new JobFailedException("this version knows no such occasion"),
    };

    private static string? PurposeOf(string mail) => mail switch
    {
        MailNames.VerifyEmail => MailToken.VerifyEmail,
        MailNames.ResetPassword => MailToken.ResetPassword,
        _ => null,
    };

    private Dictionary<string, string> Values(MailArguments arguments, Account account) => new(StringComparer.Ordinal)
    {
        ["service"] = options.FromName,
        // Before the address is verified, somebody else may have chosen the name, for what he wants to have said to its owner.
        ["name"] = account.EmailVerified ? account.DisplayName ?? account.Username : account.Email,
        ["minutes"] = options.LinkLifetime.TotalMinutes.ToString("0", CultureInfo.InvariantCulture),
        ["url"] = options.PublicUrl,
        ["time"] = arguments.Time?.ToUniversalTime().ToString("yyyy-MM-dd HH:mm 'UTC'", CultureInfo.InvariantCulture) ?? "–",
        ["ip"] = arguments.Ip ?? "–",
        ["device"] = arguments.Device ?? "–",
    };

    /// <summary>Behind the #, which no browser sends: no log of a server has the token.</summary>
    private async Task<string> LinkAsync(Account account, string purpose, CancellationToken ct)
    {
        var token = MailToken.Create();
        await using (var make = MakeToken.On(db).With(MailToken.HashOf(token)).With(account.Id).With(purpose).With(account.Email).With(options.LinkLifetime).With(OlderTokensKept))
        {
            if (await make.ExecuteScalarAsync(ct) is null) throw new JobFailedException("the account has just changed");
        }

        var (own, page) = purpose == MailToken.VerifyEmail ? (options.VerifyUrl, "verify") : (options.ResetUrl, "reset");
        return EmailOptions.IsNone(own) ? $"{options.PublicUrl.TrimEnd('/')}/account/{page}#{token}" : own.Replace(EmailOptions.TokenPlace, token, StringComparison.Ordinal);
    }

    private async Task<bool> MayBeSentAsync(Account account, string mail, CancellationToken ct)
    {
        await using var count = CountMail.On(db).With(account.Id).With(mail).With(options.MaxPerHour);
        return await count.ExecuteScalarAsync(ct) is not null;
    }

    private async Task<Account?> FindAsync(MailArguments arguments, CancellationToken ct)
    {
        await using var command = FindAccount.On(db).With(arguments.Email).With(arguments.UserId);
        await using var row = await command.ExecuteReaderAsync(ct);
        return await row.ReadAsync(ct) ? new Account(row.GetInt64(0), row.GetString(1), row.GetString(2), row.IsDBNull(3) ? null : row.GetString(3), row.GetBoolean(4)) : null;
    }

    private sealed record Account(long Id, string Email, string Username, string? DisplayName, bool EmailVerified);
}
