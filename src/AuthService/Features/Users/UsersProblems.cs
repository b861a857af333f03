namespace AuthService.Features.Users;

internal static class UsersProblems
{
    public static readonly Problem NotFound = new("users.not_found", 404, "No such account.");
    public static readonly Problem EmailTaken = new("users.email_taken", 409, "Another account uses this address.");
    public static readonly Problem UsernameTaken = new("users.username_taken", 409, "Another account uses this user name.");
    public static readonly Problem SortNotKnown = new("users.sort_not_known", 400, "Accounts can't be sorted by this.");

    /// <summary>Nobody locks themselves out by accident; leaving is for another administrator to carry out.</summary>
    public static readonly Problem OwnAccount = new("users.own_account", 409, "You can't do this to your own account.");
}
