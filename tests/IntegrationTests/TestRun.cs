using System.Reflection;
using Xunit.Abstractions;
using Xunit.Sdk;

[assembly: TestFramework("IntegrationTests.TestRun", "IntegrationTests")]

namespace IntegrationTests;

/// <summary>
/// Stops the servers after the last test. xunit 2 has fixtures of classes and collections, none of the assembly; and the event of the
/// process's exit is no substitute, since the test host is killed 100 ms after its last result.
/// </summary>
public sealed class TestRun(IMessageSink messages) : XunitTestFramework(messages)
{
    /// <summary>Of a class that takes most of a minute by itself.</summary>
    public const string LongTrait = "Takes long";

    protected override ITestFrameworkExecutor CreateExecutor(AssemblyName assemblyName) =>
        new Executor(assemblyName, SourceInformationProvider, DiagnosticMessageSink);

    private sealed class Executor(AssemblyName assembly, ISourceInformationProvider sources, IMessageSink diagnostics)
        : XunitTestFrameworkExecutor(assembly, sources, diagnostics)
    {
        // async void is the base class's signature.
#pragma warning disable MA0155
        protected override async void RunTestCases(
            IEnumerable<IXunitTestCase> testCases, IMessageSink executionMessageSink, ITestFrameworkExecutionOptions executionOptions)
#pragma warning restore MA0155
        {
            using var runner = new AssemblyRunner(TestAssembly, testCases, DiagnosticMessageSink, executionMessageSink, executionOptions);
            await runner.RunAsync();
        }
    }

    private sealed class AssemblyRunner(
        ITestAssembly assembly, IEnumerable<IXunitTestCase> cases, IMessageSink diagnostics, IMessageSink messages, ITestFrameworkExecutionOptions options)
        : XunitTestAssemblyRunner(assembly, cases, diagnostics, messages, options)
    {
        protected override async Task AfterTestAssemblyStartingAsync()
        {
            await base.AfterTestAssemblyStartingAsync();
            var longOnes = TestCases.Where(test => test.Traits.ContainsKey(LongTrait)).Select(test => test.TestMethod.TestClass.TestCollection.UniqueID).ToHashSet();
            TestCollectionOrderer = new LongOnesFirst(TestCollectionOrderer, longOnes);
        }

        protected override async Task BeforeTestAssemblyFinishedAsync()
        {
            await Servers.StopAsync();
            await base.BeforeTestAssemblyFinishedAsync();
        }
    }

    /// <summary>Begun last, one of them would go on for a minute beside nothing. The others as xunit mixes them.</summary>
    private sealed class LongOnesFirst(ITestCollectionOrderer order, HashSet<Guid> longOnes) : ITestCollectionOrderer
    {
        public IEnumerable<ITestCollection> OrderTestCollections(IEnumerable<ITestCollection> testCollections) =>
            order.OrderTestCollections(testCollections).OrderByDescending(collection => longOnes.Contains(collection.UniqueID));
    }
}
