namespace AuthService.Features.Users;

internal static class UsersProblems
{
    public static readonly Problem NotFound = new("users.not_found", 404, "No such account.");
    public static readonly Problem EmailTaken = new("users.email_taken", 409, "Another account uses this address.");
    public static readonly Problem UsernameTaken = new("users.username_taken", 409, "Another account uses this user name.");

    public static readonly Problem NothingStored = new("users.nothing_stored", 409, "All or nothing was asked for, and some can't be stored.");
    public static readonly Problem ExportFormatNotKnown = new("users.export_format_not_known", 400, "An export is ndjson or csv.");

    /// <summary>Nobody locks themselves out by accident; leaving is for another administrator to carry out.</summary>
    public static readonly Problem OwnAccount = new("users.own_account", 409, "You can't do this to your own account.");
}
