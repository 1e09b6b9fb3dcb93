import { create } from "zustand";

interface AdminKey {
  /** Null: this page only reads. */
  adminKey: string | null;
  give: (adminKey: string | null) => void;
}

const KEY = "admin-key";

/** The admin key, for as long as this tab is open. */
export const useAdminKey = create<AdminKey>()(set => ({
  adminKey: recall(),
  give: adminKey => {
    set({ adminKey });
    keep(adminKey);
  },
}));

function recall(): string | null {
  try {
    return sessionStorage.getItem(KEY);
  } catch {
    return null;
  }
}

function keep(adminKey: string | null) {
  try {
    if (adminKey === null) sessionStorage.removeItem(KEY);
    else sessionStorage.setItem(KEY, adminKey);
  } catch {
    // A browser that keeps nothing: it holds for this page.
  }
}
