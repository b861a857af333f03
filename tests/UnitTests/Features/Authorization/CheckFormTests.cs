using System.ComponentModel.DataAnnotations;
using AuthService.Client;
using AuthService.Features.Authorization;
using FsCheck;
using FsCheck.Fluent;

namespace UnitTests.Features.Authorization;

public class CheckFormTests
{
    // Change a limit here or in the record's attributes, or leave a member out, and these part.
    [Fact]
    public void A_form_is_valid_as_its_attributes_say()
    {
        var (valid, invalid) = (0, 0);
        Prop.ForAll(Requests().ToArbitrary(), request =>
        {
            var expected = Validator.TryValidateObject(request, new ValidationContext(request), null, validateAllProperties: true);
            _ = expected ? valid++ : invalid++;
            return CheckForm.IsValid(request) == expected && CheckForm.ProblemOf(request) is null == expected;
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(2_000));
        Assert.True(valid > 100 && invalid > 100, $"{valid} valid, {invalid} not");
    }

    // A member that comes later has to be looked at here, too.
    [Fact]
    public void Every_member_is_looked_at() =>
        Assert.Equal(["AtLeast", "Consistency", "Permission", "UserId"], typeof(CheckRequest).GetProperties().Select(p => p.Name).Where(n => n != "EqualityContract").Order(StringComparer.Ordinal));

    [Fact]
    public void What_is_wrong_is_told_by_member()
    {
        var problem = CheckForm.ProblemOf(new CheckRequest { Permission = " ", UserId = 0, AtLeast = new string('a', 1025), Consistency = "half" });
        Assert.Equal(
            [("/at_least", FieldCodes.Length), ("/consistency", FieldCodes.Format), ("/permission", FieldCodes.Required), ("/user_id", FieldCodes.Range)],
            problem!.Errors.Select(e => (e.Pointer, e.Code)).OrderBy(e => e.Pointer, StringComparer.Ordinal));
    }

    private static Gen<CheckRequest> Requests() =>
        from permission in Gen.OneOf(Gen.Constant<string?>(null), Gen.Elements<string?>("", " ", "\t\u00a0", "users:read", "x"), Sized(256))
        from user in Gen.Elements<long?>(null, long.MinValue, -1, 0, 1, 2, long.MaxValue)
        from atLeast in Gen.OneOf(Gen.Constant<string?>(null), Gen.Elements<string?>("", "1"), Sized(1024))
        from consistency in Gen.Frequency((3, Gen.Constant<string?>(null)), (3, Gen.Constant<string?>("full")), (1, Gen.Elements<string?>("", "Full", "full ")))
        select new CheckRequest { Permission = permission!, UserId = user, AtLeast = atLeast, Consistency = consistency };

    private static Gen<string?> Sized(int limit) => Gen.Elements(1, limit - 1, limit, limit + 1).Select(n => (string?)new string('a', n));
}
