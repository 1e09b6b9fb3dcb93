import { Component, type ReactNode } from "react";
import { ErrorState } from "@/components/ui/states";
import { Problem } from "@/lib/problem";

/** A fault of ours takes down the page, not the app. */
export class ErrorBoundary extends Component<{ children: ReactNode }, { failed: boolean }> {
  override state = { failed: false };

  static getDerivedStateFromError() {
    return { failed: true };
  }

  override render() {
    if (!this.state.failed) return this.props.children;
    const fault = new Problem(500, "page", "This page stopped working. The scores are safe: they are on the server.");
    return <ErrorState title="Something broke" error={fault} retry={() => window.location.reload()} />;
  }
}
