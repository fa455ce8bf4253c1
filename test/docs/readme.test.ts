/** README.md is executed: its programs run as a reader would run them, and give what it says that they give. */
import { test } from "node:test";
import { checkPage } from "./check-page.ts";

test("the programs of README.md give what it shows", () => checkPage("README.md", 2));
