using AuthService.Http;

namespace AuthService.Features.Authentication;

/// <summary>The pages that links in mails lead to, for installations without a front end of their own. The token is behind the #, where this service doesn't see it before the page sends it.</summary>
internal static class AccountPagesEndpoints
{
    public static void MapAccountPages(this IEndpointRouteBuilder routes)
    {
        const string Folder = "Features/Authentication/AccountPages";
        routes.MapPageFile("/account/verify", $"{Folder}/verify.html", "text/html; charset=utf-8");
        routes.MapPageFile("/account/reset", $"{Folder}/reset.html", "text/html; charset=utf-8");
        routes.MapPageFile("/account/account.js", $"{Folder}/account.js", "text/javascript; charset=utf-8");
        routes.MapPageFile("/account/account.css", $"{Folder}/account.css", "text/css; charset=utf-8");
    }
}
